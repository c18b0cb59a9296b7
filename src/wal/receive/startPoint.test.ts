import { expect, test } from 'vitest';
import { toLsn } from '../../postgres/lsn.ts';
import { timelineAncestry, toTimelineId, type TimelineAncestry } from '../../postgres/timeline.ts';
import type { TimelineFiles, WalListing } from '../walListing.ts';
import { continueAlong, firstMissing, lostBetween, nextArchived, segmentAlong } from './startPoint.ts';

const size = 1024 * 1024;
const lsn = (segment: number, offset = 0) => toLsn(BigInt(segment * size + offset));
const one = toTimelineId(1);
const two = toTimelineId(2);
const alone = timelineAncestry(one, []);
/** Timeline 2 leaves timeline 1 in the middle of segment 6. */
const forked = timelineAncestry(two, [{ parent: one, switchPoint: lsn(6, 500), reason: '' }]);

function listing(files: Record<number, { segments?: number[]; partials?: number[] }>): WalListing {
  const timelines = Object.entries(files).map(([timeline, { segments = [], partials = [] }]): TimelineFiles => ({
    timeline: toTimelineId(Number(timeline)),
    segments: segments.map(BigInt),
    partials: partials.map(BigInt),
  }));
  return { segmentBytes: size, timelines, ancestries: new Map(), objects: [] };
}

const gap = (timeline: number, begin: number, end: number) => ({
  timeline: toTimelineId(timeline),
  begin: lsn(begin),
  end: lsn(end),
  recordedAt: new Date(0),
  reason: '',
});

interface StartCase {
  readonly name: string;
  readonly archived: WalListing;
  readonly ancestry?: TimelineAncestry;
  readonly recorded?: ReturnType<typeof gap>[];
  readonly expected: [timeline: number, segment: number] | undefined;
}

const startCases: readonly StartCase[] = [
  { name: 'nothing archived', archived: listing({}), expected: undefined },
  { name: 'after the newest segment', archived: listing({ 1: { segments: [3, 4] } }), expected: [1, 5] },
  { name: 'at the unfinished segment', archived: listing({ 1: { segments: [3], partials: [4] } }), expected: [1, 4] },
  { name: 'at the only, unfinished segment', archived: listing({ 1: { partials: [4] } }), expected: [1, 4] },
  { name: 'at a hole', archived: listing({ 1: { segments: [3, 5, 6] } }), expected: [1, 4] },
  {
    name: 'not at a hole that is recorded',
    archived: listing({ 1: { segments: [3, 6] } }),
    recorded: [gap(1, 4, 6)],
    expected: [1, 7],
  },
  {
    name: 'where a recorded gap in a hole ends',
    archived: listing({ 1: { segments: [3, 8] } }),
    recorded: [gap(1, 4, 6)],
    expected: [1, 6],
  },
  {
    name: 'behind a recorded gap at the end',
    archived: listing({ 1: { segments: [3] } }),
    recorded: [gap(1, 4, 9)],
    expected: [1, 9],
  },
  {
    name: 'on the old timeline while it lasts',
    archived: listing({ 1: { segments: [3, 4] } }),
    ancestry: forked,
    expected: [1, 5],
  },
  {
    name: 'on the new one for the switch segment',
    archived: listing({ 1: { segments: [4, 5] } }),
    ancestry: forked,
    expected: [2, 6],
  },
  {
    name: 'on the new one, with the old one unfinished',
    archived: listing({ 1: { segments: [5], partials: [6] } }),
    ancestry: forked,
    expected: [2, 6],
  },
  {
    name: 'from the fork, whatever the old one had more',
    archived: listing({ 1: { segments: [5, 6, 7, 8] } }),
    ancestry: forked,
    expected: [2, 6],
  },
  {
    name: 'at the end of the new timeline',
    archived: listing({ 1: { segments: [5] }, 2: { segments: [6, 7] } }),
    ancestry: forked,
    expected: [2, 8],
  },
  {
    name: 'at a hole before the fork',
    archived: listing({ 1: { segments: [4] }, 2: { segments: [6, 7] } }),
    ancestry: forked,
    expected: [1, 5],
  },
  {
    name: 'behind a gap over the fork',
    archived: listing({ 1: { segments: [4] } }),
    ancestry: forked,
    recorded: [gap(1, 5, 6), gap(2, 6, 9)],
    expected: [2, 9],
  },
];

test.each(startCases)('begins $name', ({ archived, ancestry = alone, recorded = [], expected }) => {
  const start = firstMissing(archived, ancestry, recorded);
  expect(start && [start.timeline, Number(start.lsn) / size]).toEqual(expected);
});

test('what lies between two points is told by timeline', () => {
  expect(lostBetween(forked, { begin: lsn(4), end: lsn(8) }, size)).toEqual([
    { timeline: one, begin: lsn(4), end: lsn(6) },
    { timeline: two, begin: lsn(6), end: lsn(8) },
  ]);
  expect(segmentAlong(forked, 6n, size)).toEqual({ timeline: two, lsn: lsn(6) });
});

test('the archive goes on behind a hole, along the history only', () => {
  const archived = listing({ 1: { segments: [3, 5, 6, 7] }, 2: { segments: [8] } });
  expect(nextArchived(archived, forked, lsn(4))).toBe(lsn(5));
  expect(nextArchived(archived, forked, lsn(6))).toBe(lsn(8));
  expect(nextArchived(archived, forked, lsn(9))).toBeUndefined();
});

test('an interrupted stream goes on where it was, or where the history left it, or nowhere', () => {
  expect(continueAlong(forked, { timeline: one, lsn: lsn(6) }, size)).toEqual({ timeline: one, lsn: lsn(6) });
  expect(continueAlong(forked, { timeline: one, lsn: lsn(9) }, size)).toEqual({ timeline: two, lsn: lsn(6) });
  expect(continueAlong(forked, { timeline: two, lsn: lsn(9) }, size)).toEqual({ timeline: two, lsn: lsn(9) });
  expect(continueAlong(alone, { timeline: two, lsn: lsn(9) }, size)).toBeUndefined();
});
