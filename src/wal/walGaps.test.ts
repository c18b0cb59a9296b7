import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toLsn } from '../postgres/lsn.ts';
import { timelineAncestry, type TimelineAncestry, type TimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName, segmentNamesAlong, segmentNumbersCovering } from '../postgres/walSegment.ts';
import { listings } from './fixture/model.ts';
import { smallSegmentBytes } from './fixture/segments.ts';
import { ancestryOf, findGaps, findRanges, type WalRange } from './walGaps.ts';
import { newestSegment, timelineFiles, type WalListing } from './walListing.ts';

/** The same question answered name by name. */
function missingNames(listing: WalListing, ancestry: TimelineAncestry): string[] {
  const last = timelineFiles(listing, ancestry.at(-1)!.timeline);
  const newest = newestSegment(last);
  const present = new Set(listing.objects.flatMap(({ file }) => (file.kind === 'segment' ? [file.segment] : [])));
  if (newest !== undefined && last.partials.includes(newest)) {
    present.add(formatWalSegmentName({ timeline: last.timeline, number: newest }, smallSegmentBytes));
  }
  const end = toLsn(20n * BigInt(smallSegmentBytes));
  const path = [...segmentNamesAlong(ancestry, { begin: toLsn(0n), end }, smallSegmentBytes)];
  const all = path.filter((name) => present.has(name) || hasPartial(listing, name));
  const from = path.findIndex((name) => all.includes(name));
  const to = path.findLastIndex((name) => all.includes(name));
  return path.slice(Math.max(0, from), to + 1).filter((name) => !present.has(name));
}

function hasPartial(listing: WalListing, name: string): boolean {
  return listing.objects.some(({ file }) => file.kind === 'partial' && file.segment === name);
}

function namesOf(ranges: readonly WalRange[]): string[] {
  return ranges.flatMap(({ timeline, begin, end }) =>
    [...segmentNumbersCovering({ begin, end }, smallSegmentBytes)].map((number) =>
      formatWalSegmentName({ timeline, number }, smallSegmentBytes),
    ),
  );
}

test('gaps are what walking every history name by name finds', () => {
  fc.assert(
    fc.property(listings, (listing) => {
      const expected = listing.timelines.flatMap(({ timeline }) =>
        missingNames(listing, ancestryOf(listing, timeline)),
      );
      expect(namesOf(findGaps(listing)).sort()).toEqual([...new Set(expected)].sort());
    }),
    { numRuns: 2000 },
  );
});

test('ranges hold exactly what is there, in the fewest pieces', () => {
  fc.assert(
    fc.property(listings, (listing) => {
      const ranges = findRanges(listing);
      const whole = listing.objects.flatMap(({ file }) => (file.kind === 'segment' ? [file.segment as string] : []));
      for (const { timeline } of listing.timelines) {
        const files = timelineFiles(listing, timeline);
        const newest = newestSegment(files);
        if (newest !== undefined && files.partials.includes(newest)) {
          whole.push(formatWalSegmentName({ timeline, number: newest }, smallSegmentBytes));
        }
      }
      expect(namesOf(ranges)).toEqual(whole.sort());
      for (const [index, range] of ranges.entries()) {
        const next = ranges[index + 1];
        if (next?.timeline === range.timeline) expect(next.begin).toBeGreaterThan(range.end);
      }
    }),
  );
});

test('a hole before a switch is a gap of the old timeline, the old WAL behind the switch is not', () => {
  const size = BigInt(smallSegmentBytes);
  const second = 2 as TimelineId;
  const history = [{ parent: 1 as TimelineId, switchPoint: toLsn(7n * size + 100n), reason: '' }];
  const listing: WalListing = {
    segmentBytes: smallSegmentBytes,
    timelines: [
      { timeline: 1 as TimelineId, segments: [3n, 4n, 9n], partials: [] },
      { timeline: second, segments: [7n, 8n], partials: [] },
    ],
    ancestries: new Map([[second, timelineAncestry(second, history)]]),
    objects: [],
  };
  expect(namesOf(findGaps(listing))).toEqual([
    '000000010000000000000005',
    '000000010000000000000006',
    '000000010000000000000007',
    '000000010000000000000008',
  ]);
  const [, ...rest] = listing.timelines;
  const first = { timeline: 1 as TimelineId, segments: [3n, 4n], partials: [5n] };
  expect(namesOf(findGaps({ ...listing, timelines: [first, ...rest] }))).toEqual([
    '000000010000000000000005',
    '000000010000000000000006',
  ]);
});
