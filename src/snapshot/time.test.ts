import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTimestamp, formatUtc, parseTimestamp, timestampFromDate, wallDate, zeroTime } from './time.ts';

test.each([
  '1970-01-01T00:00:00Z',
  '2026-11-22T08:33:31.012Z',
  '2026-11-22T08:33:31.000000001Z',
  '2024-02-29T23:59:59.99+14:00',
  '2026-03-29T01:30:00-09:30',
  '0001-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
])('%s survives', (text) => {
  const time = parseTimestamp(text);
  expect(time === undefined ? undefined : formatTimestamp(time)).toBe(text);
});

test.each([
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00+24:00',
  '20260101T000000Z',
  '',
])('%j is no time', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test('an offset moves the moment, further digits are cut off', () => {
  expect(parseTimestamp('1970-01-01T01:00:00.1234567899+01:00')).toEqual({ ns: 123_456_789n, offsetMinutes: 60 });
  expect(parseTimestamp('1970-01-01T00:00:00-00:00')).toEqual({ ns: 0n, offsetMinutes: 0 });
  expect(formatTimestamp(zeroTime)).toBe('0001-01-01T00:00:00Z');
});

test('years that RFC 3339 cannot hold are moved to the nearest that it can', () => {
  const second = 1_000_000_000n;
  expect(formatUtc(253_402_300_800n * second)).toBe('9999-01-01T00:00:00Z');
  expect(formatUtc(99_999_999_999_999n * second + 5n)).toBe('9999-11-07T09:46:39.000000005Z');
  expect(formatUtc(-62_167_219_201n * second)).toBe('0000-12-31T23:59:59Z');
  expect(formatUtc(253_407_402_123n * second)).toBe('9999-03-01T01:02:03Z'); // from 10000-02-29
});

test('property: moments survive', () => {
  const ns = fc.bigInt({ min: -62_135_596_800n * 1_000_000_000n, max: 253_402_300_799n * 1_000_000_000n });
  fc.assert(
    fc.property(ns, (moment) => {
      expect(parseTimestamp(formatUtc(moment))?.ns).toBe(moment);
    }),
  );
});

test('the wall clock is that of the offset', () => {
  const time = parseTimestamp('2026-12-31T23:30:00.5-03:30');
  expect(time && wallDate(time).toISOString()).toBe('2026-12-31T23:30:00.500Z');
  expect(timestampFromDate(new Date(1500))).toEqual({ ns: 1_500_000_000n, offsetMinutes: 0 });
});
