import { OperationError } from '../base/errors.ts';
import { formatLsn, tryParseLsn, type Lsn } from './lsn.ts';
import { toTimelineId, type TimelineId } from './timeline.ts';
import { isWalSegmentName, timelineOfSegmentName, type WalSegmentName } from './walSegment.ts';

/** Name of the file, at the top of the data directory, that makes a server recover from a backup. */
export const backupLabelPath = 'backup_label';

/**
 * What pg_backup_stop returns as `labelfile`. A backup keeps that text byte for byte; this is for reading it.
 */
export interface BackupLabel {
  /** Where replay must begin. */
  readonly startLsn: Lsn;
  readonly startSegment: WalSegmentName;
  readonly checkpointLsn: Lsn;
  readonly startTimeline: TimelineId;
  readonly from: 'primary' | 'standby';
  /** In the time zone of the server's log, e.g. `2026-11-22 10:47:03 CET`: for people only. */
  readonly startTime: string;
  readonly label: string;
}

/** Reads a label of PostgreSQL 13 to 18. Throws `backup-invalid`. */
export function parseBackupLabel(text: string): BackupLabel {
  const [, startLsn, startSegment = ''] = /^(\S+) \(file (\S+)\)$/.exec(field(text, 'START WAL LOCATION')) ?? [];
  if (!isWalSegmentName(startSegment)) throw invalid('START WAL LOCATION');
  const startTimeline = Number(field(text, 'START TIMELINE'));
  if (startTimeline !== timelineOfSegmentName(startSegment)) throw invalid('START TIMELINE');
  const from = field(text, 'BACKUP FROM');
  return {
    startLsn: lsnOf(startLsn, 'START WAL LOCATION'),
    startSegment,
    checkpointLsn: lsnOf(field(text, 'CHECKPOINT LOCATION'), 'CHECKPOINT LOCATION'),
    startTimeline: toTimelineId(startTimeline),
    from: from === 'standby' ? 'standby' : 'primary', // 13 writes `master`
    startTime: field(text, 'START TIME'),
    label: field(text, 'LABEL'),
  };
}

/** The text that PostgreSQL 14 to 18 write for such a label. */
export function formatBackupLabel(label: BackupLabel): string {
  return (
    `START WAL LOCATION: ${formatLsn(label.startLsn)} (file ${label.startSegment})\n` +
    `CHECKPOINT LOCATION: ${formatLsn(label.checkpointLsn)}\n` +
    `BACKUP METHOD: streamed\n` +
    `BACKUP FROM: ${label.from}\n` +
    `START TIME: ${label.startTime}\n` +
    `LABEL: ${label.label}\n` +
    `START TIMELINE: ${label.startTimeline}\n`
  );
}

function field(text: string, name: string): string {
  const value = new RegExp(`(?:^|\n)${name}: ([^\n]*)\n`).exec(text)?.[1];
  if (value === undefined) throw invalid(name);
  return value;
}

function lsnOf(text: string | undefined, name: string): Lsn {
  const lsn = tryParseLsn(text ?? '');
  if (lsn === undefined) throw invalid(name);
  return lsn;
}

function invalid(name: string): OperationError {
  return new OperationError('backup-invalid', `backup_label has no valid line '${name}'`, {
    hint: 'the text must be kept exactly as pg_backup_stop returned it; has somebody edited it?',
    detail: { line: name },
  });
}
