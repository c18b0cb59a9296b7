import type { Lsn } from '../postgres/lsn.ts';
import { timelineAncestry, type TimelineAncestry, type TimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName, type WalSegmentName } from '../postgres/walSegment.ts';
import { compareBigints } from './bigintOrder.ts';
import { newestSegment, segmentBegin, timelineFiles, type TimelineFiles, type WalListing } from './walListing.ts';
import { mergeStretches, missingIn, stretchesAlong, type Stretch } from './walStretches.ts';

/** Segments in a row of one timeline: all there, or all missing. */
export interface WalRange {
  readonly timeline: TimelineId;
  readonly begin: Lsn;
  readonly end: Lsn;
  readonly first: WalSegmentName;
  readonly last: WalSegmentName;
  readonly segments: bigint;
}

/** What the archive has, in whole segments and a last unfinished one, per timeline and in order. */
export function findRanges(listing: WalListing): WalRange[] {
  return listing.timelines.flatMap((files) => {
    const present = presentAtEnd(files);
    const singles = present.map((number) => ({ timeline: files.timeline, from: number, to: number + 1n }));
    return mergeStretches(singles).map((stretch) => toRange(stretch, listing.segmentBytes));
  });
}

/**
 * Segments that are not there although a later one is, on the same timeline or on a descendant. What lies before the
 * oldest segment of a history is not missing: it expired, or was written before archiving began.
 */
export function findGaps(listing: WalListing): WalRange[] {
  const missing = listing.timelines.flatMap(({ timeline }) => missingAlong(listing, ancestryOf(listing, timeline)));
  return mergeStretches(missing).map((stretch) => toRange(stretch, listing.segmentBytes));
}

/** The ancestry of a timeline; one whose history file is not archived stands for itself alone. */
export function ancestryOf(listing: WalListing, timeline: TimelineId): TimelineAncestry {
  return listing.ancestries.get(timeline) ?? timelineAncestry(timeline, []);
}

/**
 * Missing segments along one ancestry, from `since` (a segment number; default: the oldest that is there) up to the
 * newest that is there.
 */
export function missingAlong(listing: WalListing, ancestry: TimelineAncestry, since?: bigint): Stretch[] {
  const stretches = stretchesAlong(listing, ancestry).filter(({ from, to }) => from < to);
  const oldest = since ?? oldestAlong(listing, stretches);
  const newest = newestAlong(listing, stretches);
  if (oldest === undefined || newest === undefined) return [];
  return stretches.flatMap((stretch) => {
    const part = { ...stretch, from: max(stretch.from, oldest), to: min(stretch.to, newest + 1n) };
    return missingIn(part, presentIn(listing, stretch, ancestry));
  });
}

/** Whole segments, and at the end of the last timeline an unfinished one. */
export function presentIn(listing: WalListing, { timeline }: Stretch, ancestry: TimelineAncestry): readonly bigint[] {
  const files = timelineFiles(listing, timeline);
  return timeline === ancestry.at(-1)?.timeline ? presentAtEnd(files) : files.segments;
}

export function toRange({ timeline, from, to }: Stretch, segmentBytes: number): WalRange {
  return {
    timeline,
    begin: segmentBegin(from, segmentBytes),
    end: segmentBegin(to, segmentBytes),
    first: formatWalSegmentName({ timeline, number: from }, segmentBytes),
    last: formatWalSegmentName({ timeline, number: to - 1n }, segmentBytes),
    segments: to - from,
  };
}

function presentAtEnd(files: TimelineFiles): readonly bigint[] {
  const { segments, partials } = files;
  const newest = newestSegment(files);
  return newest !== undefined && partials.at(-1) === newest ? [...segments, newest] : segments;
}

function oldestAlong(listing: WalListing, stretches: readonly Stretch[]): bigint | undefined {
  return presentAlong(listing, stretches).sort(compareBigints)[0];
}

function newestAlong(listing: WalListing, stretches: readonly Stretch[]): bigint | undefined {
  return presentAlong(listing, stretches).sort(compareBigints).at(-1);
}

/** The oldest and the newest segment of each stretch. */
function presentAlong(listing: WalListing, stretches: readonly Stretch[]): bigint[] {
  return stretches.flatMap(({ timeline, from, to }) => {
    const files = timelineFiles(listing, timeline);
    const inside = (number: bigint): boolean => number >= from && number < to;
    const ends = [files.segments, files.partials].flatMap((numbers) => [
      numbers.find(inside),
      numbers.findLast(inside),
    ]);
    return ends.filter((number) => number !== undefined);
  });
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function min(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
