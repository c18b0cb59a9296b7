import type { Context } from '../base/context.ts';
import { assert } from '../base/errors.ts';
import { invalidLsn, type Lsn } from '../postgres/lsn.ts';
import { ancestryContains, type TimelineAncestry, type TimelineId } from '../postgres/timeline.ts';
import { parseWalSegmentName, segmentNumberAt, timelineOfSegmentName } from '../postgres/walSegment.ts';
import type { WalArchive } from './walArchive.ts';
import { toRange, type WalRange } from './walGaps.ts';
import type { WalListedObject, WalListing } from './walListing.ts';
import { recordExpiry } from './walExpiryMarkers.ts';
import type { LeasedWal } from './walLease.ts';
import { walObjectName } from './walObjectName.ts';
import { mergeStretches } from './walStretches.ts';

/** A base backup that is kept, or is being taken. */
export interface KeptBackup {
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
  /** Undefined while it is being taken. */
  readonly end: { readonly lsn: Lsn; readonly time: Date } | undefined;
  /** True for one that must not be counted on: WAL is kept as if it were not there too. */
  readonly flawed: boolean;
}

/**
 * `all`: one can recover from every kept backup to any later point. `since`: to any point from that time on; older
 * backups that are kept longer can be restored to their own end, for which they carry the WAL themselves.
 */
export type WalRetention = { readonly keep: 'all' } | { readonly keep: 'since'; readonly time: Date };

export interface WalExpiryOptions {
  readonly backups: readonly KeptBackup[];
  readonly retention: WalRetention;
  /** Timelines on which nothing was written since the window began: no point of the window lies on them. */
  readonly endedTimelines?: ReadonlySet<TimelineId>;
  /** What recoveries that are under way may ask for, whatever the retention. */
  readonly leases?: readonly LeasedWal[];
}

export interface WalExpiryPlan {
  /** Branches that nobody needs from their end back, then the rest from its beginning: at no moment is there a hole. */
  readonly remove: readonly WalListedObject[];
  /** The same, without what is no segment, in rows. */
  readonly ranges: readonly WalRange[];
  readonly removeBytes: number;
  readonly keepBytes: number;
}

interface Removal {
  readonly object: WalListedObject;
  readonly number: bigint;
  readonly timeline: TimelineId;
}

/**
 * Decides which WAL no kept backup needs any more; changes nothing. History files are kept for ever. Without any backup
 * everything is kept, and so is a timeline whose history file is not archived, and the newest timeline as long as no
 * backup can be recovered into it.
 */
export function planWalExpiry(listing: WalListing, options: WalExpiryOptions): WalExpiryPlan {
  const keepFrom = neededFrom(listing, options);
  const remove: Removal[] = [];
  let removeBytes = 0;
  let keepBytes = 0;
  for (const object of listing.objects) {
    const { file, sizeBytes } = object;
    const timeline = file.kind === 'history' ? undefined : timelineOfSegmentName(file.segment);
    const number = file.kind === 'history' ? 0n : parseWalSegmentName(file.segment, listing.segmentBytes).number;
    const first = timeline === undefined ? 0n : keepFrom.get(timeline);
    if (timeline === undefined || (first !== undefined && number >= first)) {
      keepBytes += sizeBytes;
      continue;
    }
    remove.push({ object, number, timeline });
    removeBytes += sizeBytes;
  }
  const branches = new Set(
    [...listing.ancestries].filter(([, ancestry]) => keepFrom.isCutOff(ancestry)).map(([timeline]) => timeline),
  );
  remove.sort((one, other) => {
    const first = Number(branches.has(other.timeline)) - Number(branches.has(one.timeline));
    return first || (branches.has(one.timeline) ? byPlace(other, one) : byPlace(one, other));
  });
  const singles = remove
    .filter(({ object }) => object.file.kind !== 'backup')
    .map(({ timeline, number }) => ({ timeline, from: number, to: number + 1n }));
  return {
    remove: remove.map(({ object }) => object),
    ranges: mergeStretches(singles).map((stretch) => toRange(stretch, listing.segmentBytes)),
    removeBytes,
    keepBytes,
  };
}

/** Notes that it expires, and deletes what a plan says, one object after the other. Safe to stop and to repeat. */
export async function applyWalExpiry(
  ctx: Context,
  archive: WalArchive,
  { plan, onRemoved }: { readonly plan: WalExpiryPlan; readonly onRemoved?: (object: WalListedObject) => void },
): Promise<void> {
  if (plan.ranges.length > 0) await recordExpiry(ctx, archive, plan.ranges);
  for (const object of plan.remove) {
    ctx.signal.throwIfAborted();
    assert(object.file.kind !== 'history', 'a history file is kept for ever');
    await archive.backend.delete(ctx, walObjectName(archive.systemIdentifier, object.file));
    onRemoved?.(object);
  }
}

function byPlace(one: Removal, other: Removal): number {
  return Number(one.number - other.number) || one.timeline - other.timeline;
}

/** Numbers of the first segment that is needed of each timeline; of one that is not there nothing is needed. */
class NeededSegments {
  readonly #first = new Map<TimelineId, bigint>();
  readonly #segmentBytes: number;

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
  }

  get(timeline: TimelineId): bigint | undefined {
    return this.#first.get(timeline);
  }

  /** Needs the WAL of a timeline from a position on; returns whether that is news. */
  add(timeline: TimelineId, from: Lsn): boolean {
    const number = segmentNumberAt(from, this.#segmentBytes);
    const known = this.#first.get(timeline);
    if (known !== undefined && known <= number) return false;
    this.#first.set(timeline, number);
    return true;
  }

  /** Whether a timeline is not needed and branches off from WAL that is. */
  isCutOff(ancestry: TimelineAncestry): boolean {
    return !this.#first.has(ancestry.at(-1)!.timeline) && this.#firstOf(ancestry) >= 0;
  }

  /** Needs what lies between WAL that is kept and later WAL of the same history; returns whether that is news. */
  close(ancestry: TimelineAncestry): boolean {
    if (!this.#first.has(ancestry.at(-1)!.timeline)) return false;
    const from = this.#firstOf(ancestry);
    if (from < 0) return false;
    return ancestry.slice(from + 1).filter(({ timeline, begin }) => this.add(timeline, begin)).length > 0;
  }

  /** Index of the first span before the last one of which something is needed; -1: of none. */
  #firstOf(ancestry: TimelineAncestry): number {
    return ancestry.findIndex(({ timeline, end }) => {
      const first = this.#first.get(timeline);
      return first !== undefined && end !== undefined && first < segmentNumberAt(end, this.#segmentBytes);
    });
  }
}

function neededFrom(listing: WalListing, options: WalExpiryOptions): NeededSegments {
  const { timelines, ancestries, segmentBytes } = listing;
  const { backups, endedTimelines = new Set(), leases = [] } = options;
  const needed = new NeededSegments(segmentBytes);
  const unknown = timelines.filter(({ timeline }) => backups.length === 0 || !ancestries.has(timeline));
  for (const { timeline } of unknown) needed.add(timeline, invalidLsn);
  // what an unknown history begins with may be the end of any other
  const retention: WalRetention = unknown.length > 0 ? { keep: 'all' } : options.retention;
  const newest = timelines.at(-1)?.timeline;
  const addWay = (ancestry: TimelineAncestry, { timeline, startLsn }: LeasedWal): void => {
    const from = ancestry.findIndex((span) => span.timeline === timeline);
    needed.add(timeline, startLsn);
    for (const span of ancestry.slice(from + 1)) needed.add(span.timeline, span.begin);
  };
  for (const [target, ancestry] of ancestries) {
    for (const lease of leases) {
      if (ancestryContains(ancestry, lease.timeline, lease.startLsn)) addWay(ancestry, lease);
    }
    if (retention.keep === 'since' && target !== newest && endedTimelines.has(target)) continue;
    const usable = backups.filter((backup) => reaches(ancestry, backup));
    for (const backup of inWindow(usable, retention)) addWay(ancestry, backup);
  }
  if (newest !== undefined && needed.get(newest) === undefined) needed.add(newest, invalidLsn);
  const close = (): boolean => [...ancestries.values()].filter((ancestry) => needed.close(ancestry)).length > 0;
  while (close());
  return needed;
}

/** Whether a backup can be recovered along a history: it must have ended there. */
function reaches(ancestry: TimelineAncestry, { timeline, startLsn, end }: KeptBackup): boolean {
  return ancestryContains(ancestry, timeline, end?.lsn ?? startLsn);
}

/**
 * Of several backups those from which points in the window are reached: also the newest good one that is older than the
 * window, and what is newer than that.
 */
function inWindow(backups: readonly KeptBackup[], retention: WalRetention): readonly KeptBackup[] {
  if (retention.keep === 'all') return backups;
  const endedAt = ({ end }: KeptBackup): number => end?.time.getTime() ?? Number.POSITIVE_INFINITY;
  const ordered = backups.toSorted((one, other) => (endedAt(one) < endedAt(other) ? -1 : 1));
  const base = ordered.findLastIndex((backup) => !backup.flawed && endedAt(backup) <= retention.time.getTime());
  return ordered.slice(Math.max(base, 0));
}
