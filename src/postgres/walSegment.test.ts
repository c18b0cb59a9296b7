import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLsn, toLsn } from './lsn.ts';
import { parseTimelineHistory, timelineAncestry, toTimelineId } from './timeline.ts';
import {
  formatWalSegmentName,
  isWalSegmentBytes,
  isWalSegmentName,
  nextSegmentName,
  parseWalSegmentName,
  segmentNameAt,
  segmentNamesAlong,
  segmentNumberAt,
  segmentNumbersCovering,
  segmentRange,
  type WalSegmentName,
} from './walSegment.ts';

const mib = 1024 * 1024;
const size = fc.integer({ min: 0, max: 10 }).map((power) => mib * 2 ** power);
const timeline = fc.integer({ min: 1, max: 0xffff_ffff }).map(toTimelineId);
/** Leaves the last GiB of the 64-bit space alone: no range may end beyond it. */
const lsn = fc.bigInt(0n, 0xffff_ffff_ffff_ffffn - 2n ** 31n).map(toLsn);

test('segment sizes', () => {
  expect([1, 16, 64, 1024].every((n) => isWalSegmentBytes(n * mib))).toBe(true);
  expect([0, mib / 2, 3 * mib, 2048 * mib, 1.5, Number.NaN, -mib].some(isWalSegmentBytes)).toBe(false);
});

test('known names', () => {
  const name = (text: string, segmentBytes: number) => segmentNameAt(toTimelineId(10), parseLsn(text), segmentBytes);
  expect(name('0/1000000', 16 * mib)).toBe('0000000A0000000000000001');
  expect(name('16/B374D848', 16 * mib)).toBe('0000000A00000016000000B3');
  expect(name('16/B374D848', mib)).toBe('0000000A0000001600000B37');
  expect(name('16/B374D848', 1024 * mib)).toBe('0000000A0000001600000002');
});

test('the segment of a position contains it, and its name gives back its number', () => {
  fc.assert(
    fc.property(timeline, lsn, size, (id, position, segmentBytes) => {
      const name = segmentNameAt(id, position, segmentBytes);
      expect(isWalSegmentName(name)).toBe(true);
      const { begin, end } = segmentRange(name, segmentBytes);
      expect(begin <= position && position < end).toBe(true);
      expect(end - begin).toBe(BigInt(segmentBytes));
      const segment = parseWalSegmentName(name, segmentBytes);
      expect(segment).toEqual({ timeline: id, number: segmentNumberAt(position, segmentBytes) });
      expect(formatWalSegmentName(segment, segmentBytes)).toBe(name);
    }),
  );
});

test('the next segment begins where this one ends and sorts after it', () => {
  fc.assert(
    fc.property(timeline, lsn, size, (id, position, segmentBytes) => {
      const name = segmentNameAt(id, position, segmentBytes);
      const next = nextSegmentName(name, segmentBytes);
      expect(segmentRange(next, segmentBytes).begin).toBe(segmentRange(name, segmentBytes).end);
      expect(next > name).toBe(true);
    }),
  );
});

test('the low part wraps at 4 GiB whatever the segment size', () => {
  expect(nextSegmentName('0000000100000000000000FF' as WalSegmentName, 16 * mib)).toBe('000000010000000100000000');
  expect(nextSegmentName('000000010000000000000FFF' as WalSegmentName, mib)).toBe('000000010000000100000000');
  expect(nextSegmentName('000000010000000000000003' as WalSegmentName, 1024 * mib)).toBe('000000010000000100000000');
});

test('a name of another segment size is refused, not misread', () => {
  expect(() => parseWalSegmentName('000000010000000000000100' as WalSegmentName, 16 * mib)).toThrow(
    expect.objectContaining({ code: 'wal-invalid', hint: expect.stringContaining('wal_segment_size') }),
  );
});

test('the segments covering a range hold its first and last byte and no more', () => {
  fc.assert(
    fc.property(lsn, fc.bigInt(0n, 2n ** 24n), size, (begin, length, segmentBytes) => {
      const end = toLsn(begin + length);
      const numbers = [...segmentNumbersCovering({ begin, end }, segmentBytes)];
      const empty = length === 0n;
      expect(numbers[0]).toBe(empty ? undefined : segmentNumberAt(begin, segmentBytes));
      expect(numbers.at(-1)).toBe(empty ? undefined : segmentNumberAt(toLsn(end - 1n), segmentBytes));
      expect(numbers.every((number, i) => i === 0 || number === (numbers[i - 1] as bigint) + 1n)).toBe(true);
    }),
  );
});

test('the segment with the switch point is taken from the new timeline', () => {
  const two = toTimelineId(2);
  const ancestry = timelineAncestry(two, parseTimelineHistory(two, '1\t0/3000148\tno recovery target specified\n'));
  const range = { begin: parseLsn('0/2000028'), end: parseLsn('0/4000100') };
  expect([...segmentNamesAlong(ancestry, range, 16 * mib)]).toEqual([
    '000000010000000000000002',
    '000000020000000000000003',
    '000000020000000000000004',
  ]);
});
