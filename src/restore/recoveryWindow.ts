import type { Context } from '../base/context.ts';
import { formatLsn, toLsn, type Lsn } from '../postgres/lsn.ts';
import { timelineAt, type TimelineId } from '../postgres/timeline.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { Repository } from '../repository/repository.ts';
import type { WalRange } from '../wal/walGaps.ts';
import type { BaseBackup } from './baseBackup.ts';
import { ClusterWal } from './clusterWal.ts';
import { readWalEnd } from './walScan.ts';
import { formatUtcMicroseconds } from './zonedTime.ts';

/**
 * A span of time that one can restore to, without a hole: from the end of its oldest backup to the end of the WAL that
 * follows. Overlapping windows of several timelines are different histories.
 *
 * The end is exact to the record: the newest archived segment is read. Its time is that of the last commit or abort in
 * it; PostgreSQL can stop at a time only when a later commit proves that the time has passed.
 */
export interface RecoveryWindow {
  readonly systemIdentifier: SystemIdentifier;
  /** The timeline to recover along. */
  readonly timeline: TimelineId;
  /** Oldest first; any of them reaches the end. */
  readonly backups: readonly [BaseBackup, ...BaseBackup[]];
  readonly begin: { readonly lsn: Lsn; readonly timeUs: bigint };
  /** `timeUs` is undefined where no commit is near the end (or the WAL ends with the backup). */
  readonly end: { readonly lsn: Lsn; readonly timeUs: bigint | undefined };
  /** The first WAL that is missing although there is later one; undefined: the window ends with the newest WAL. */
  readonly gap: WalRange | undefined;
}

/** What a window is computed from. */
export interface ClusterBackups {
  readonly wal: ClusterWal;
  /** Of one cluster, oldest first. */
  readonly backups: readonly BaseBackup[];
}

/**
 * The backups of a source, and their WAL, by cluster: a source that was created anew has several. Newest cluster first.
 */
export async function loadClusters(
  ctx: Context,
  repository: Repository,
  backups: readonly BaseBackup[],
): Promise<ClusterBackups[]> {
  const groups = Map.groupBy(backups.toReversed(), (backup) => backup.systemIdentifier);
  const clusters: ClusterBackups[] = [];
  for (const [cluster, members] of groups) {
    clusters.push({ wal: await ClusterWal.load(ctx, repository, cluster), backups: members.toReversed() });
  }
  return clusters;
}

/** Every span that the backups of a cluster can be recovered to, newest timeline and newest window first. */
export async function findRecoveryWindows(ctx: Context, cluster: ClusterBackups): Promise<RecoveryWindow[]> {
  const { wal, backups } = cluster;
  const timelines = [...new Set(backups.flatMap((backup) => wal.timelinesOf(backup)))].toSorted((a, b) => b - a);
  const windows: RecoveryWindow[] = [];
  for (const timeline of timelines) {
    windows.push(
      ...(await windowsAlong(ctx, { wal, timeline, backups: backups.filter((b) => wal.reaches(b, timeline)) })),
    );
  }
  return windows;
}

/** `2026-11-21 09:42:00+00 (0/3000158) to 2026-11-21 10:10:00+00 (0/9000060) on timeline 1`. */
export function describeWindow({ begin, end, timeline, gap }: RecoveryWindow): string {
  const from = `${formatUtcMicroseconds(begin.timeUs)} (${formatLsn(begin.lsn)})`;
  const until = `${end.timeUs === undefined ? '' : `${formatUtcMicroseconds(end.timeUs)} `}(${formatLsn(end.lsn)})`;
  const hole = gap === undefined ? '' : `, then ${gap.first} is missing`;
  return `${from} to ${until} on timeline ${timeline}${hole}`;
}

interface Along {
  readonly wal: ClusterWal;
  readonly timeline: TimelineId;
  readonly backups: readonly BaseBackup[];
}

/** Windows that end on this timeline; those that end before it began belong to an older one. */
async function windowsAlong(ctx: Context, { wal, timeline, backups }: Along): Promise<RecoveryWindow[]> {
  const ancestry = wal.ancestry(timeline);
  const groups = new Map<Lsn, { backups: [BaseBackup, ...BaseBackup[]]; gap: WalRange | undefined }>();
  for (const backup of backups) {
    const { until, missing } = await wal.availability(ctx, backup, timeline);
    const group = groups.get(until);
    if (group === undefined) groups.set(until, { backups: [backup], gap: missing[0] });
    else group.backups.push(backup);
  }
  const windows: RecoveryWindow[] = [];
  for (const [until, group] of groups) {
    if (timelineAt(ancestry, toLsn(until - 1n)).timeline !== timeline) continue;
    const [oldest] = group.backups;
    const newest = group.backups.at(-1) ?? oldest;
    const end = await readWalEnd(ctx, { wal, backup: newest, ancestry, until });
    windows.unshift({
      systemIdentifier: oldest.systemIdentifier,
      timeline,
      backups: group.backups,
      begin: { lsn: oldest.stopLsn, timeUs: BigInt(oldest.stopTime.getTime()) * 1000n },
      end: { lsn: end?.end ?? newest.stopLsn, timeUs: end?.lastTimeUs },
      gap: group.gap,
    });
  }
  return windows;
}
