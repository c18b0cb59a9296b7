import type { BackupFacts, SourceFacts } from './facts.ts';

/** A backup that is dated later than this after now tells of a clock that is wrong. */
export const clockToleranceMs = 5 * 60_000;

/** What would be lost if the source were lost now. */
export interface Exposure {
  /** The newest state that can be had back. */
  readonly point: Date;
  readonly lossMs: number;
  /** What brings it back: the newest good backup, or the WAL that follows it. */
  readonly by: 'backup' | 'wal';
}

/**
 * Counted from the newest state that can be recovered: when a backup was taken, never when it was finished; of a
 * cluster with WAL the last commit that follows a good backup without a gap, or what the server says. Undefined without
 * a backup one can count on, or when the server holds another cluster than the one that was backed up.
 */
export function exposureOf(facts: SourceFacts, now: Date): Exposure | undefined {
  const backup = newestUsable(facts.backups, now);
  if (backup === undefined || facts.server?.isAnotherCluster === true) return undefined;
  const byBackup = exposure(backup.time, now, 'backup');
  const byWal = walPoint(facts, now);
  return byWal !== undefined && byWal > backup.time ? exposure(byWal, now, 'wal') : byBackup;
}

/** The newest good backup; where none is good the newest that only lacks something. What lies in the future is none. */
export function newestUsable(backups: readonly BackupFacts[], now: Date): BackupFacts | undefined {
  const past = backups.filter((backup) => !isInFuture(backup, now));
  return past.find(({ flaw }) => flaw === undefined) ?? past.find(({ flaw }) => flaw?.partial === true);
}

export function isInFuture({ time }: { readonly time: Date }, now: Date): boolean {
  return time.getTime() > now.getTime() + clockToleranceMs;
}

function walPoint({ wal }: SourceFacts, now: Date): Date | undefined {
  if (wal === undefined || 'unreadable' in wal) return undefined;
  const { server, backupNeeded, window } = wal;
  if (server.state === 'all-archived' && !backupNeeded) return now;
  const { lastCommit } = window;
  if (server.state !== 'at-most' || backupNeeded) return lastCommit;
  const atMost = new Date(now.getTime() - server.archiveTimeoutMs);
  return lastCommit !== undefined && lastCommit > atMost ? lastCommit : atMost;
}

function exposure(point: Date, now: Date, by: Exposure['by']): Exposure {
  return { point, lossMs: Math.max(0, now.getTime() - point.getTime()), by };
}
