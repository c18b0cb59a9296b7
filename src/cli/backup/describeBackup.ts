import type { PhysicalBackupResult } from '../../backup/physicalBackup.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../format.ts';
import { styled, type Terminal } from '../terminal.ts';
import { snapshotFields } from './snapshotFields.ts';

export interface FinishedBackup {
  readonly result: PhysicalBackupResult;
  readonly durationMs: number;
  /** Why this method was chosen; undefined when it was asked for. */
  readonly methodReason: string | undefined;
}

/** The object that `backup --json` prints for a source. */
export function summaryFields({ result, durationMs }: FinishedBackup): Record<string, unknown> {
  const { files, sizeBytes } = result.record;
  return {
    ...snapshotFields(result, durationMs),
    total_files_processed: files.total,
    files_changed: files.changed,
    total_bytes_processed: sizeBytes,
  };
}

/** What a person reads after the backup of a source. */
export function summaryText(terminal: Terminal, backup: FinishedBackup): string {
  const { snapshot, record, totals } = backup.result;
  const added = totals.addedBytes === 0 ? 'nothing new' : `${formatBytes(totals.addedBytes)} new`;
  const lines = [
    `${record.source}: snapshot ${styled(terminal, 'bold', snapshot.id.slice(0, 8))} in ${formatDuration(backup.durationMs)}, ${kindOf(backup)}`,
    `  data:   ${formatBytes(record.sizeBytes)} in ${plural(record.files.total, 'file')}, ${formatCount(record.files.changed)} read; ${added}, stored in ${formatBytes(totals.storedBytes)}`,
    `  server: PostgreSQL ${record.serverVersionText}${record.fromStandby ? ', standby' : ''}, system ${record.systemIdentifier}`,
    `  WAL:    ${record.startLsn} to ${record.stopLsn} on timeline ${record.timeline}, in the snapshot`,
    `  pages:  ${pagesText(terminal, backup)}`,
    `  restores on its own to ${record.stopTime}`,
  ];
  return lines.join('\n');
}

function kindOf({ result: { record }, methodReason }: FinishedBackup): string {
  const since = record.parent === null ? 'everything read' : `what changed since ${record.parent.slice(0, 8)}`;
  return `method ${record.method}${methodReason === undefined || record.method === 'files' ? '' : ` (${methodReason})`}, ${since}`;
}

function pagesText(terminal: Terminal, { result: { record } }: FinishedBackup): string {
  const { verified, badCount } = record.pages;
  if (!record.dataChecksums) return 'not verified: the cluster has no data checksums';
  if (verified === 0) return 'none had to be read';
  const checked = `${plural(verified, 'checksum')} verified`;
  if (badCount === 0) return `${checked}, all good`;
  return `${checked}, ${styled(terminal, 'red', plural(badCount, 'BAD PAGE'))}`;
}

/** One line for each bad page that is known by place, for warnings. */
export function badPageTexts({ result: { record } }: FinishedBackup): string[] {
  const { bad, badCount } = record.pages;
  const lines = bad.map(({ path, block }) => `page with a wrong checksum in the source: ${path}, block ${block}`);
  return badCount > bad.length ? [...lines, `and ${formatCount(badCount - bad.length)} more`] : lines;
}
