import { type Lsn, tryParseLsn } from '../lsn.ts';
import { type TimelineId, toTimelineId } from '../timeline.ts';
import { type RawRow, unexpectedAnswer } from './messages.ts';

/** A column as text; undefined for NULL. */
export function textAt(row: RawRow, column: number): string | undefined {
  return row[column]?.toString('utf8');
}

/** A column that holds `X/X`; undefined for NULL. */
export function lsnAt(row: RawRow, column: number): Lsn | undefined {
  const text = textAt(row, column);
  return text === undefined ? undefined : required(tryParseLsn(text));
}

/** A column that holds a timeline; undefined for NULL. */
export function timelineAt(row: RawRow, column: number): TimelineId | undefined {
  const text = textAt(row, column);
  return text === undefined ? undefined : toTimelineId(Number(text));
}

/** The value itself, which a server that keeps the protocol always sends; `postgres-protocol` without it. */
export function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw unexpectedAnswer('a row without the expected columns');
  return value;
}

/** Double-quoted, as the replication grammar takes names. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Single-quoted, as the replication grammar takes strings. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
