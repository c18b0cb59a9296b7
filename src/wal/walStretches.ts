import type { TimelineAncestry, TimelineId } from '../postgres/timeline.ts';
import { newestSegment, timelineFiles, type WalListing } from './walListing.ts';

/** Segments `from` (inclusive) to `to` (exclusive) that recovery takes from one timeline. */
export interface Stretch {
  readonly timeline: TimelineId;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Which segments recovery along an ancestry takes from which timeline, oldest first, up to the newest that the archive
 * has of the last timeline. The segment with a switch point belongs to the new timeline.
 */
export function stretchesAlong(listing: WalListing, ancestry: TimelineAncestry): Stretch[] {
  const segmentBytes = BigInt(listing.segmentBytes);
  return ancestry.map(({ timeline, begin, end }) => {
    const from = begin / segmentBytes;
    if (end !== undefined) return { timeline, from, to: end / segmentBytes };
    const newest = newestSegment(timelineFiles(listing, timeline));
    return { timeline, from, to: newest === undefined || newest < from ? from : newest + 1n };
  });
}

/** The parts of a stretch for which `present` (ascending numbers) has nothing. */
export function missingIn(stretch: Stretch, present: readonly bigint[]): Stretch[] {
  const missing: Stretch[] = [];
  let at = stretch.from;
  for (const number of present) {
    if (number < at) continue;
    if (number >= stretch.to) break;
    if (number > at) missing.push({ ...stretch, from: at, to: number });
    at = number + 1n;
  }
  if (at < stretch.to) missing.push({ ...stretch, from: at });
  return missing;
}

/** Stretches without overlap, ordered by timeline and number. */
export function mergeStretches(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = [];
  const ordered = stretches
    .filter(({ from, to }) => from < to)
    .sort((one, other) => one.timeline - other.timeline || Number(one.from - other.from));
  for (const stretch of ordered) {
    const last = merged.at(-1);
    if (last === undefined || last.timeline !== stretch.timeline || stretch.from > last.to) merged.push(stretch);
    else if (stretch.to > last.to) merged[merged.length - 1] = { ...last, to: stretch.to };
  }
  return merged;
}
