import { formatLsn } from '../../postgres/lsn.ts';
import { describeTarget } from '../../restore/recoveryTarget.ts';
import type { RecoveryPlan } from '../../restore/planRecovery.ts';
import { formatUtcMicroseconds } from '../../restore/zonedTime.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';

/** A plan for people: what is restored, where to, and where recovery lands. */
export function planText(plan: RecoveryPlan): string {
  const { backup, wal, files, tablespaces, estimateMs } = plan;
  const { record } = backup;
  const rows: (readonly [string, string])[] = [
    ['backup', `${backup.snapshot.id.slice(0, 8)} of ${record.source}, PostgreSQL ${record.serverVersionText}`],
    ['', `consistent from ${record.stopTime} (${record.stopLsn})`],
    ['recover to', targetText(plan)],
    ['lands at', landingText(plan)],
    ['timeline', plan.ancestry.map(({ timeline }) => timeline).join(' -> ')],
    ['WAL', walText(wal)],
    ['directory', `${plan.destination.path} (${existingTexts[plan.existing]})`],
    ...tablespaces.map(({ name, location }) => ['tablespace', `${name} -> ${location}`] as const),
    ['files', `${plural(files.files.length, 'file')}, ${formatBytes(files.totalBytes)}`],
    [
      'estimate',
      `${formatDuration(estimateMs.restore)} for the files, ${formatDuration(estimateMs.replay)} for replay`,
    ],
    ...record.externalFiles.map((path) => ['not in backup', path] as const),
  ];
  return rows.map(([title, text]) => `  ${title.padEnd(13)}  ${text}`).join('\n');
}

/** The same for programs. LSNs and 64-bit numbers as text. */
export function planFields(plan: RecoveryPlan): Record<string, unknown> {
  const { backup, wal, landing, files, request } = plan;
  return {
    snapshot_id: backup.snapshot.id,
    source: backup.record.source,
    system_identifier: backup.record.systemIdentifier,
    backup_stop_lsn: backup.record.stopLsn,
    backup_stop_time: backup.record.stopTime,
    target: describeTarget(request.target, request.inclusive),
    target_kind: request.target.kind,
    inclusive: request.inclusive,
    action: plan.standby === undefined ? request.action : 'standby',
    timeline: plan.timeline,
    timelines: plan.ancestry.map(({ timeline }) => timeline),
    landing_lsn: formatLsn(landing.lsn),
    ...(landing.lastTimeUs === undefined ? {} : { landing_time: formatUtcMicroseconds(landing.lastTimeUs) }),
    wal_from: wal.from,
    wal_segments: wal.segments,
    ...(wal.first === undefined ? {} : { wal_first: wal.first, wal_last: wal.last }),
    wal_bytes: String(wal.walBytes),
    wal_stored_bytes: wal.storedBytes,
    target_dir: plan.destination.path,
    existing: plan.existing,
    tablespaces: plan.tablespaces,
    files: files.files.length,
    bytes_total: files.totalBytes,
    estimate_seconds: { restore: plan.estimateMs.restore / 1000, replay: plan.estimateMs.replay / 1000 },
    not_in_backup: backup.record.externalFiles,
  };
}

const existingTexts = {
  refuse: 'empty',
  delta: 'only what differs is rewritten, what is not in the backup is removed',
  overwrite: 'everything there is replaced',
} as const;

function targetText({ request, standby }: RecoveryPlan): string {
  if (standby !== undefined) return 'whatever the primary does: it stays a standby';
  const action = { promote: 'then open for writing', pause: 'then wait there', shutdown: 'then shut down' }[
    request.action
  ];
  return `${describeTarget(request.target, request.inclusive)}, ${action}`;
}

function landingText({ landing }: RecoveryPlan): string {
  const commit = landing.lastTimeUs === undefined ? '' : `, last commit ${formatUtcMicroseconds(landing.lastTimeUs)}`;
  return `${formatLsn(landing.lsn)}${commit}`;
}

function walText({ from, segments, first, last, storedBytes }: RecoveryPlan['wal']): string {
  if (from === 'backup') return 'what the backup holds';
  if (first === undefined) return 'what the backup holds, and what is archived by then';
  return `${plural(segments, 'segment')} from the archive, ${first} to ${last}, ${formatBytes(storedBytes)} stored`;
}
