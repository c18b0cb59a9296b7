import type { Context } from '../base/context.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { RecoveryTarget } from '../postgres/recoverySettings.ts';
import type { WalEvent } from '../postgres/walEvent.ts';
import { scanSegments, segmentsOf, type WalPath } from './walScan.ts';

/** Where recovery will stop. */
export interface Landing {
  /** The last replayed record ends here. */
  readonly lsn: Lsn;
  /**
   * Of the last replayed commit or abort behind the backup, in microseconds since 1970; undefined: there is none, or
   * unknown.
   */
  readonly lastTimeUs: bigint | undefined;
}

export interface TargetSearch {
  readonly target: RecoveryTarget & { readonly kind: 'time' | 'xid' | 'name' | 'lsn' };
  /** The time of a time target in microseconds since 1970. */
  readonly timeUs?: bigint;
  readonly inclusive: boolean;
}

const xidMask = 0xffff_ffffn;

/**
 * Finds where recovery along a path stops for a target, as the server decides it (xlogrecovery.c, recoveryStopsBefore
 * and recoveryStopsAfter); undefined when the WAL of the path does not reach the target. Times are found by halving, a
 * transaction or name by reading all WAL from the backup on.
 */
export async function locateTarget(ctx: Context, path: WalPath, search: TargetSearch): Promise<Landing | undefined> {
  const { first, last } = segmentsOf(path);
  const begin = await firstSegmentToRead(ctx, path, search);
  let before: Landing = { lsn: path.backup.stopLsn, lastTimeUs: undefined };
  for await (const { record, event } of scanSegments(ctx, path, { first: begin ?? first, last })) {
    if (record.begin < path.backup.stopLsn) continue;
    const ended = event === undefined || event.kind === 'restore-point' ? before.lastTimeUs : event.timeUs;
    const after = { lsn: record.end, lastTimeUs: ended };
    const stop = stopAt(search, record.begin, event);
    if (stop !== undefined) return stop === 'before' ? before : after;
    before = after;
  }
  return undefined;
}

function stopAt(search: TargetSearch, begin: Lsn, event: WalEvent | undefined): 'before' | 'after' | undefined {
  const { target, inclusive } = search;
  const side = inclusive ? 'after' : 'before';
  if (target.kind === 'lsn') return begin >= target.lsn ? side : undefined;
  if (event === undefined) return undefined;
  if (event.kind === 'restore-point') return target.kind === 'name' && event.name === target.name ? 'after' : undefined;
  if (target.kind === 'xid') return BigInt(event.xid) === (target.xid & xidMask) ? side : undefined;
  if (target.kind !== 'time' || search.timeUs === undefined) return undefined;
  const passed = inclusive ? event.timeUs > search.timeUs : event.timeUs >= search.timeUs;
  return passed ? 'before' : undefined;
}

/**
 * For a time: the segment before the last one that begins (with its first commit) not after it. Commits are written a
 * little out of the order of their times, hence one segment more. Undefined: from the beginning.
 */
async function firstSegmentToRead(ctx: Context, path: WalPath, search: TargetSearch): Promise<bigint | undefined> {
  const { first, last } = segmentsOf(path);
  if (search.target.kind === 'lsn') {
    const number = search.target.lsn / BigInt(path.wal.listing.segmentBytes);
    return number > first ? number - 1n : first;
  }
  if (search.target.kind !== 'time' || search.timeUs === undefined) return undefined;
  let low = first;
  let high = last + 1n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const time = await firstTimeFrom(ctx, path, { first: middle, last: high - 1n });
    if (time !== undefined && time <= search.timeUs) low = middle;
    else high = middle;
  }
  return low > first ? low - 1n : first;
}

async function firstTimeFrom(
  ctx: Context,
  path: WalPath,
  range: { readonly first: bigint; readonly last: bigint },
): Promise<bigint | undefined> {
  for await (const { event } of scanSegments(ctx, path, range)) {
    if (event !== undefined && event.kind !== 'restore-point') return event.timeUs;
  }
  return undefined;
}
