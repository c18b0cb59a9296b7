import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { addToLsn, type Lsn } from '../postgres/lsn.ts';
import type { TimelineAncestry, TimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName, segmentNumberAt } from '../postgres/walSegment.ts';
import type { WalArchive } from './walArchive.ts';
import { missingAlong, presentIn, toRange, type WalRange } from './walGaps.ts';
import { listArchive, segmentBegin, timelineFiles, type WalListing } from './walListing.ts';
import { missingIn, stretchesAlong } from './walStretches.ts';

/** How far recovery from one point along one history gets with what the archive has. */
export interface WalAvailability {
  /** End of the WAL without a hole; exact to a segment, or to what there is of an unfinished one. */
  readonly until: Lsn;
  /** Holes before later WAL of the same history, oldest first. With none, `until` is the end of the history. */
  readonly missing: readonly WalRange[];
}

/** As `availabilityIn`, from a fresh listing. */
export async function walAvailability(
  ctx: Context,
  archive: WalArchive,
  wanted: { readonly ancestry: TimelineAncestry; readonly fromLsn: Lsn },
): Promise<WalAvailability> {
  const listing = await listArchive(ctx, archive);
  return availabilityIn(listing, wanted, (timeline, number) => partialEnd(ctx, archive, { listing, timeline, number }));
}

/** End of what there is of an unfinished segment; undefined when it is gone. */
export type PartialEnd = (timeline: TimelineId, number: bigint) => Promise<Lsn | undefined>;

/**
 * The WAL that is there from `fromLsn` on, along an ancestry. Of the segment with a switch point the old timeline's
 * copy serves up to that point when the new one's is not there.
 */
export async function availabilityIn(
  listing: WalListing,
  { ancestry, fromLsn }: { readonly ancestry: TimelineAncestry; readonly fromLsn: Lsn },
  partialEndOf: PartialEnd,
): Promise<WalAvailability> {
  const since = segmentNumberAt(fromLsn, listing.segmentBytes);
  const missing = missingAlong(listing, ancestry, since).map((stretch) => toRange(stretch, listing.segmentBytes));
  const until = await contiguousUntil(listing, { ancestry, since }, partialEndOf);
  return { until: until < fromLsn ? fromLsn : until, missing };
}

async function contiguousUntil(
  listing: WalListing,
  { ancestry, since }: { readonly ancestry: TimelineAncestry; readonly since: bigint },
  partialEndOf: PartialEnd,
): Promise<Lsn> {
  const { segmentBytes } = listing;
  const endOf = async (timeline: TimelineId, number: bigint): Promise<Lsn> => {
    const files = timelineFiles(listing, timeline);
    if (files.segments.includes(number)) return segmentBegin(number + 1n, segmentBytes);
    const partial = files.partials.includes(number) ? await partialEndOf(timeline, number) : undefined;
    return partial ?? segmentBegin(number, segmentBytes);
  };
  let reached = segmentBegin(since, segmentBytes);
  for (const [index, stretch] of stretchesAlong(listing, ancestry).entries()) {
    const own = { ...stretch, from: stretch.from > since ? stretch.from : since };
    const hole = missingIn(own, presentIn(listing, stretch, ancestry))[0];
    if (hole !== undefined || ancestry[index]?.end === undefined) {
      return endAt(hole?.from ?? (own.to > own.from ? own.to - 1n : own.from), index);
    }
    if (own.to > own.from) reached = segmentBegin(own.to, segmentBytes);
  }
  return reached;

  /** End of what there is of the segment where the way stops; of a first segment also in the parent's copy. */
  async function endAt(number: bigint, index: number): Promise<Lsn> {
    const span = ancestry[index]!;
    const own = await endOf(span.timeline, number);
    const parent = ancestry[index - 1];
    if (parent === undefined || number !== segmentNumberAt(span.begin, segmentBytes)) return own;
    const inherited = await endOf(parent.timeline, number);
    const usable = inherited < span.begin ? inherited : span.begin;
    return own > usable ? own : usable;
  }
}

async function partialEnd(
  ctx: Context,
  archive: WalArchive,
  at: { readonly listing: WalListing; readonly timeline: TimelineId; readonly number: bigint },
): Promise<Lsn | undefined> {
  const { segmentBytes } = at.listing;
  const segment = formatWalSegmentName({ timeline: at.timeline, number: at.number }, segmentBytes);
  try {
    const { header } = await archive.get(ctx, { kind: 'partial', segment });
    return addToLsn(segmentBegin(at.number, segmentBytes), BigInt(header.contentBytes));
  } catch (error) {
    if (!isOperationError(error, 'object-missing')) throw error;
    // finished since it was listed
    const whole = await archive.has(ctx, { kind: 'segment', segment });
    return whole ? segmentBegin(at.number + 1n, segmentBytes) : undefined;
  }
}
