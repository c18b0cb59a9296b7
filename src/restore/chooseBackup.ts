import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import type { BaseBackup } from './baseBackup.ts';
import type { ClusterWal } from './clusterWal.ts';
import { locateTarget, type Landing, type TargetSearch } from './locateTarget.ts';
import { describeTarget, type RecoveryRequest } from './recoveryTarget.ts';
import { describeWindow, findRecoveryWindows, type ClusterBackups } from './recoveryWindow.ts';
import { readWalEnd, type WalEnd, type WalPath } from './walScan.ts';
import { parseZonedTime } from './zonedTime.ts';

/** A backup, and the way from it to the target. */
export interface Route extends WalPath {
  readonly timeline: TimelineId;
  readonly landing: Landing;
}

export interface Choice {
  /** Newest cluster first. */
  readonly clusters: readonly ClusterBackups[];
  readonly request: RecoveryRequest;
}

/**
 * Picks the newest backup that ends before the target and from which all WAL up to it is there.
 * Throws `target-outside-window` naming the windows, and `wal-gap` naming what is missing.
 */
export async function chooseRoute(ctx: Context, { clusters, request }: Choice): Promise<Route> {
  let hole: OperationError | undefined;
  for (const { wal, backups } of clusters) {
    let newer: Candidate | undefined;
    for (const backup of backups.toReversed()) {
      const timeline = timelineFor(wal, backup, request.timeline);
      if (timeline === undefined || !endsBefore(backup, request)) continue;
      const candidate = { wal, backup, timeline };
      const found = await tryRoute(ctx, { ...candidate, searched: newer }, request);
      if ('landing' in found) return found;
      hole ??= found.gap;
      newer = candidate;
    }
  }
  if (hole === undefined) throw await outsideWindow(ctx, { clusters, request });
  throw await withWindows(ctx, hole, clusters);
}

/** Undefined when the backup cannot be recovered along the wanted timeline. */
function timelineFor(wal: ClusterWal, backup: BaseBackup, wanted: RecoveryRequest['timeline']): TimelineId | undefined {
  if (wanted === 'current') return backup.timeline;
  const timelines = wal.timelinesOf(backup);
  return wanted === 'latest' ? timelines.at(-1) : timelines.find((timeline) => timeline === wanted);
}

/** For a transaction or a name nobody knows without reading. */
function endsBefore(backup: BaseBackup, { target }: RecoveryRequest): boolean {
  if (target.kind === 'lsn') return backup.stopLsn <= target.lsn;
  if (target.kind === 'time') return BigInt(backup.stopTime.getTime()) * 1000n <= microsecondsOf(target.time);
  return true;
}

interface Candidate {
  readonly wal: ClusterWal;
  readonly backup: BaseBackup;
  readonly timeline: TimelineId;
}

async function tryRoute(
  ctx: Context,
  at: Candidate & { readonly searched: Candidate | undefined },
  request: RecoveryRequest,
): Promise<Route | { readonly gap: OperationError | undefined }> {
  const { wal, backup, timeline } = at;
  const end: Landing = { lsn: backup.stopLsn, lastTimeUs: undefined };
  const path: WalPath = { wal, backup, ancestry: wal.ancestry(timeline), until: backup.stopLsn };
  if (request.target.kind === 'immediate') return { ...path, timeline, landing: end };
  const { until, missing } = await wal.availability(ctx, backup, timeline);
  const [gap] = missing;
  const whole = { ...path, until };
  if (request.target.kind === 'latest') {
    const newest = await readWalEnd(ctx, whole);
    if (gap !== undefined) return { gap: gapError(gap, request, { path: whole, newest }) };
    const landing = newest === undefined ? end : { lsn: newest.end, lastTimeUs: newest.lastTimeUs };
    return { ...whole, timeline, landing };
  }
  const { searched } = at; // what follows the next backup on the same way has been looked through already
  const limit = searched?.timeline === timeline && searched.backup.stopLsn < until ? searched.backup.stopLsn : until;
  const landing = await locateTarget(ctx, { ...whole, until: limit }, searchFor(request));
  if (landing !== undefined) return { ...whole, timeline, landing };
  if (gap === undefined) return { gap };
  return { gap: gapError(gap, request, { path: whole, newest: await readWalEnd(ctx, whole) }) };
}

function searchFor({ target, inclusive }: RecoveryRequest): TargetSearch {
  if (target.kind === 'time') return { target, inclusive, timeUs: microsecondsOf(target.time) };
  return { target: target as TargetSearch['target'], inclusive };
}

function microsecondsOf(time: string): bigint {
  const parsed = parseZonedTime(time);
  if (typeof parsed === 'bigint') return parsed;
  throw new OperationError('target-invalid', `'${time}' is not a point in time: ${parsed.problem}`, {
    hint: parsed.hint,
  });
}

type Gap = { readonly first: string; readonly last: string; readonly segments: bigint };

function gapError(
  { first, last, segments }: Gap,
  { target, inclusive }: RecoveryRequest,
  before: { readonly path: WalPath; readonly newest: WalEnd | undefined },
): OperationError {
  const what = segments === 1n ? `segment ${first} is` : `${segments} segments from ${first} to ${last} are`;
  const reach =
    before.newest === undefined
      ? 'before the gap only the end of the backup can be reached, with --immediate'
      : `before the gap the farthest point is --lsn ${formatLsn(before.newest.lastRecord)}`;
  return new OperationError('wal-gap', `cannot recover to ${describeTarget(target, inclusive)}: WAL ${what} missing`, {
    hint: `${reach}; or find the segments in pg_wal of the server or a standby, and archive them`,
    detail: {
      first,
      last,
      segments: String(segments),
      until: formatLsn(before.newest?.end ?? before.path.backup.stopLsn),
      snapshot: before.path.backup.snapshot.id,
    },
  });
}

/** WAL that is missing behind a backup may as well have expired: what can be reached is to be told too. */
async function withWindows(
  ctx: Context,
  hole: OperationError,
  clusters: readonly ClusterBackups[],
): Promise<OperationError> {
  const windows = (await allWindows(ctx, clusters)).map(describeWindow);
  return new OperationError(hole.code, hole.message, {
    hint: `${hole.hint}; one can recover to ${windows.join('; ')}`,
    detail: { ...hole.detail, windows },
  });
}

async function allWindows(ctx: Context, clusters: readonly ClusterBackups[]) {
  return (await Promise.all(clusters.map((cluster) => findRecoveryWindows(ctx, cluster)))).flat();
}

async function outsideWindow(ctx: Context, { clusters, request }: Choice): Promise<OperationError> {
  const windows = await allWindows(ctx, clusters);
  const along =
    request.timeline === 'latest' || request.timeline === 'current' ? '' : ` along timeline ${request.timeline}`;
  const described = windows.map(describeWindow);
  const message = `cannot recover to ${describeTarget(request.target, request.inclusive)}${along}: it is not in the recovery window`;
  const last = windows.find(({ end }) => end.timeUs !== undefined);
  const tip =
    request.target.kind === 'time' && last !== undefined
      ? '; a time needs a later commit in the archive: without --at everything up to the newest commit comes back'
      : '';
  return new OperationError('target-outside-window', message, {
    hint:
      described.length === 0 ? 'there is nothing to recover from' : `one can recover to ${described.join('; ')}${tip}`,
    detail: { windows: described },
  });
}
