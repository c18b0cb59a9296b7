import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { formatLsn, toLsn, type Lsn } from '../postgres/lsn.ts';
import { timelineAncestry, timelineAt, toTimelineId, type TimelineAncestry } from '../postgres/timeline.ts';
import { segmentNumberAt } from '../postgres/walSegment.ts';
import { listings } from './fixture/model.ts';
import { madeSegment, smallSegmentBytes, testArchive } from './fixture/segments.ts';
import { availabilityIn, walAvailability } from './walAvailability.ts';
import { ancestryOf } from './walGaps.ts';
import { timelineFiles, type WalListing } from './walListing.ts';

const ctx = createContext();
const size = BigInt(smallSegmentBytes);
const partialBytes = 300_000n;

/** Walks byte positions in steps of an eighth of a segment: is there a file that holds this WAL of this history? */
function reachedByEighths(listing: WalListing, ancestry: TimelineAncestry, fromLsn: Lsn): Lsn {
  for (let at = fromLsn; ; at = toLsn(at + size / 8n)) {
    const number = segmentNumberAt(at, smallSegmentBytes);
    const owner = timelineAt(ancestry, at).timeline;
    const holders = ancestry.filter(({ timeline, begin }) => timeline >= owner && begin / size <= number);
    const held = holders.some(({ timeline }) => {
      const files = timelineFiles(listing, timeline);
      const inPartial = files.partials.includes(number) && at % size < partialBytes;
      return files.segments.includes(number) || inPartial;
    });
    if (!held || at > 20n * size) return at;
  }
}

test('WAL reaches as far as a walk over positions says', async () => {
  await fc.assert(
    fc.asyncProperty(listings, fc.nat(12), fc.nat(3), async (listing, from, choice) => {
      const timeline = [...listing.ancestries.keys()][choice % listing.ancestries.size]!;
      const ancestry = ancestryOf(listing, timeline);
      const fromLsn = toLsn(BigInt(from) * size);
      const { until } = await availabilityIn(listing, { ancestry, fromLsn }, async (_timeline, number) =>
        toLsn(number * size + partialBytes),
      );
      const walked = reachedByEighths(listing, ancestry, fromLsn);
      // the walk sees eighths: an unfinished segment's end within one counts as its next border
      const exact = until % (size / 8n) === 0n ? until : toLsn((until / (size / 8n) + 1n) * (size / 8n));
      expect(formatLsn(exact)).toBe(formatLsn(walked));
    }),
    { numRuns: 1500 },
  );
});

test('an archive tells how far its WAL goes, to the byte of an unfinished segment', async () => {
  const archive = await testArchive();
  const ancestry = timelineAncestry(toTimelineId(1), []);
  const fromLsn = toLsn(5n * size + 40n);
  expect(await walAvailability(ctx, archive, { ancestry, fromLsn })).toEqual({ until: fromLsn, missing: [] });
  for (const number of [5n, 6n, 8n]) {
    const { name, content } = madeSegment({ number });
    await archive.put(ctx, { kind: 'segment', segment: name }, content);
  }
  const holed = await walAvailability(ctx, archive, { ancestry, fromLsn });
  expect(holed.until).toBe(7n * size);
  expect(holed.missing.map(({ first, last }) => [first, last])).toEqual([
    ['000000010000000000000007', '000000010000000000000007'],
  ]);
  const { name, content } = madeSegment({ number: 7n });
  await archive.put(ctx, { kind: 'segment', segment: name }, content);
  const last = madeSegment({ number: 9n });
  await archive.put(ctx, { kind: 'partial', segment: last.name }, last.content.subarray(0, 12_345));
  expect(await walAvailability(ctx, archive, { ancestry, fromLsn })).toEqual({
    until: 9n * size + 12_345n,
    missing: [],
  });
});
