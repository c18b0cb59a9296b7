import { toLsn, type Lsn } from '../../postgres/lsn.ts';
import { ancestryContains, timelineAt, type TimelineAncestry, type TimelineId } from '../../postgres/timeline.ts';
import { segmentNumbersCovering, type LsnRange } from '../../postgres/walSegment.ts';
import { compareBigints } from '../bigintOrder.ts';
import { missingAlong } from '../walGaps.ts';
import type { WalGapMarker } from '../walGapMarkers.ts';
import { timelineFiles, type WalListing } from '../walListing.ts';
import { stretchesAlong } from '../walStretches.ts';

/** WAL of one timeline that nobody has any more; whole segments. */
export interface LostRange {
  readonly timeline: TimelineId;
  readonly begin: Lsn;
  readonly end: Lsn;
}

/** Where a stream begins: at the first byte of a segment. */
export interface StartPoint {
  readonly timeline: TimelineId;
  readonly lsn: Lsn;
}

/**
 * The first segment that the archive lacks in the server's history, after the recorded gaps: a hole between archived
 * segments, else the one that follows the newest whole segment. Undefined when the archive has nothing of that history.
 */
export function firstMissing(
  listing: WalListing,
  ancestry: TimelineAncestry,
  recorded: readonly WalGapMarker[],
): StartPoint | undefined {
  const segmentBytes = BigInt(listing.segmentBytes);
  const hole = missingAlong(listing, ancestry)
    .flatMap((missing) => {
      // a hole that is known to be lost up to somewhere inside of it begins there
      const lost = recorded
        .filter(({ timeline, begin }) => timeline === missing.timeline && begin / segmentBytes <= missing.from)
        .map(({ end }) => end / segmentBytes);
      const from = lost.reduce((one, other) => (one > other ? one : other), missing.from);
      return from < missing.to ? [{ ...missing, from }] : [];
    })
    .toSorted((one, other) => (one.from < other.from ? -1 : 1))[0];
  if (hole !== undefined) return { timeline: hole.timeline, lsn: toLsn(hole.from * segmentBytes) };
  const next = nextNumber(listing, ancestry);
  if (next === undefined) return undefined;
  let start = segmentAlong(ancestry, next, listing.segmentBytes);
  for (const { timeline, begin, end } of recorded) {
    const lost = timeline === start.timeline && begin === start.lsn;
    if (lost) start = segmentAlong(ancestry, end / segmentBytes, listing.segmentBytes);
  }
  return start;
}

/** Begin of the first whole segment along a history that is archived at or after `from`. */
export function nextArchived(listing: WalListing, ancestry: TimelineAncestry, from: Lsn): Lsn | undefined {
  const segmentBytes = BigInt(listing.segmentBytes);
  const numbers = stretchesAlong(listing, ancestry).flatMap(({ timeline, from: first, to }) =>
    timelineFiles(listing, timeline).segments.filter(
      (number) => number >= first && number < to && number * segmentBytes >= from,
    ),
  );
  const next = numbers.toSorted(compareBigints)[0];
  return next === undefined ? undefined : toLsn(next * segmentBytes);
}

/** What lies between two points of a history, by timeline. */
export function lostBetween(ancestry: TimelineAncestry, range: LsnRange, segmentBytes: number): LostRange[] {
  const ranges: LostRange[] = [];
  for (const number of segmentNumbersCovering(range, segmentBytes)) {
    const { timeline, lsn: begin } = segmentAlong(ancestry, number, segmentBytes);
    const end = toLsn(begin + BigInt(segmentBytes));
    const last = ranges.at(-1);
    if (last?.timeline === timeline) ranges[ranges.length - 1] = { ...last, end };
    else ranges.push({ timeline, begin, end });
  }
  return ranges;
}

/** The place of a segment in a history: one that holds a switch point belongs to the new timeline. */
export function segmentAlong(ancestry: TimelineAncestry, number: bigint, segmentBytes: number): StartPoint {
  const begin = number * BigInt(segmentBytes);
  const { timeline } = timelineAt(ancestry, toLsn(begin + BigInt(segmentBytes) - 1n));
  return { timeline, lsn: toLsn(begin) };
}

/**
 * Where to go on with a stream that was interrupted at `point`, on a server with this history: there, or, when the
 * history left that timeline earlier, where it did. Undefined when the history never was on that timeline.
 */
export function continueAlong(
  ancestry: TimelineAncestry,
  point: StartPoint,
  segmentBytes: number,
): StartPoint | undefined {
  if (ancestryContains(ancestry, point.timeline, point.lsn)) return point;
  const span = ancestry.find(({ timeline }) => timeline === point.timeline);
  if (span?.end === undefined || point.lsn < span.begin) return undefined;
  return segmentAlong(ancestry, span.end / BigInt(segmentBytes), segmentBytes);
}

/** Number of the segment after the newest whole one along a history; where there is none, of an unfinished one. */
function nextNumber(listing: WalListing, ancestry: TimelineAncestry): bigint | undefined {
  const numbers = stretchesAlong(listing, ancestry).flatMap(({ timeline, from, to }) => {
    const { segments, partials } = timelineFiles(listing, timeline);
    const whole = segments.findLast((number) => number >= from && number < to);
    const partial = partials.findLast((number) => number >= from && number <= to);
    return [whole === undefined ? undefined : whole + 1n, partial].filter((number) => number !== undefined);
  });
  return numbers.toSorted(compareBigints).at(-1);
}
