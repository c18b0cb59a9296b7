import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import type { RecoveryTarget } from '../postgres/recoverySettings.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import type { Repository } from '../repository/repository.ts';
import type { BaseBackup } from '../restore/baseBackup.ts';
import { ClusterWal } from '../restore/clusterWal.ts';
import { describeTarget, type RecoveryRequest } from '../restore/recoveryTarget.ts';
import { readWalEnd } from '../restore/walScan.ts';
import { isExpired, loadExpiredWal } from '../wal/walExpiryMarkers.ts';
import type { Outcome } from './proof/checkList.ts';

/** Where a sandbox shall recover to, and what it will find on the way. */
export interface RecoveryRoute {
  readonly target: RecoveryTarget;
  readonly inclusive: boolean;
  readonly timeline: TimelineId;
  /** The target in words. */
  readonly described: string;
  /** Replay must get at least to here. */
  readonly reaches: Lsn;
  /** Recovery ends with the backup itself. */
  readonly isExact: boolean;
  /** What was found of the archived WAL. */
  readonly outcome: () => Promise<Outcome>;
  /** A file of the archive, an unfinished segment filled up with zeros; undefined when there is none. */
  fetch(ctx: Context, file: WalFileName): Promise<Buffer | undefined>;
}

export type WantedTarget = Pick<RecoveryRequest, 'target' | 'inclusive' | 'timeline'>;

/**
 * Chooses how far to recover: to what is asked for, else to the newest archived WAL that continues the backup, else
 * (where no WAL is archived) to the end of the backup. Throws what reading the archive throws.
 */
export async function chooseRoute(
  ctx: Context,
  repository: Repository,
  { backup, wanted }: { readonly backup: BaseBackup; readonly wanted: WantedTarget | undefined },
): Promise<RecoveryRoute> {
  const wal = await ClusterWal.load(ctx, repository, backup.systemIdentifier);
  const expired = wanted === undefined && (await hasExpiredBehind(ctx, wal, backup));
  const ends = wal.isEmpty || expired;
  const { target, inclusive, timeline } = wanted ?? { ...newestPoint, target: defaultTarget(ends) };
  const chosen = timelineOf(wal, backup, timeline);
  const common = {
    target,
    inclusive,
    timeline: chosen,
    described: describeTarget(target, inclusive),
    isExact: target.kind === 'immediate',
    fetch: fetchFrom(wal),
  };
  if (ends) {
    const why = expired ? 'the WAL behind this backup has expired' : 'no WAL of this cluster is archived here';
    const detail = [`${why}: recovery ends with the backup`];
    return { ...common, reaches: backup.stopLsn, outcome: async () => ({ status: 'skipped', detail }) };
  }
  const { until, missing } = await wal.availability(ctx, backup, chosen);
  const end = await readWalEnd(ctx, { wal, backup, ancestry: wal.ancestry(chosen), until });
  const reached = end === undefined || end.end < backup.stopLsn ? backup.stopLsn : end.end;
  const holes = missing.map(({ first, last, segments }) =>
    segments === 1n ? `${first} is missing` : `${segments} segments from ${first} to ${last} are missing`,
  );
  const gap = target.kind === 'latest' ? 'failed' : 'warning'; // the server itself says when a target lies behind it
  const outcome: Outcome = {
    status: holes.length > 0 ? gap : 'passed',
    expected: `WAL without a gap from the end of the backup, ${backup.record.stopLsn}, on timeline ${chosen}`,
    actual: `up to ${formatLsn(reached)}`,
    detail: holes,
    ...(holes.length > 0 ? { hint: 'take a new backup: from this one nothing behind the gap can be recovered' } : {}),
  };
  return { ...common, reaches: reachOf(target, { backup, reached }), outcome: async () => outcome };
}

const newestPoint = { inclusive: true, timeline: 'latest' } as const;

function defaultTarget(endsWithBackup: boolean): RecoveryTarget {
  return { kind: endsWithBackup ? 'immediate' : 'latest' };
}

/** A backup that is kept longer than the recovery window can be restored to its own end only, and that is no fault. */
async function hasExpiredBehind(ctx: Context, wal: ClusterWal, backup: BaseBackup): Promise<boolean> {
  if (wal.isEmpty) return false;
  const { missing } = await wal.availability(ctx, backup, timelineOf(wal, backup, newestPoint.timeline));
  const [first] = missing;
  return first !== undefined && isExpired(await loadExpiredWal(ctx, wal.archive), first);
}

function timelineOf(wal: ClusterWal, backup: BaseBackup, wanted: WantedTarget['timeline']): TimelineId {
  if (wanted === 'current') return backup.timeline;
  return wanted === 'latest' ? (wal.timelinesOf(backup).at(-1) ?? backup.timeline) : wanted;
}

/** The server itself refuses to end before its target; without one it must get to the end of what there is. */
function reachOf(target: RecoveryTarget, { backup, reached }: { backup: BaseBackup; reached: Lsn }): Lsn {
  return target.kind === 'latest' ? reached : backup.stopLsn;
}

function fetchFrom({ archive, listing }: ClusterWal): RecoveryRoute['fetch'] {
  const get = async (ctx: Context, file: WalFileName): Promise<Buffer | undefined> => {
    try {
      return (await archive.get(ctx, file)).content;
    } catch (error) {
      if (!isOperationError(error, 'object-missing')) throw error;
      return undefined;
    }
  };
  return async (ctx, file) => {
    const content = await get(ctx, file);
    if (content !== undefined || file.kind !== 'segment') return content;
    const partial = await get(ctx, { kind: 'partial', segment: file.segment });
    if (partial !== undefined) return Buffer.concat([partial], listing.segmentBytes);
    return get(ctx, file); // it may have been finished between both
  };
}
