import { expect, test } from 'vitest';
import { formatCalendarDuration, parseCalendarDuration, subtractDuration } from './calendarDuration.ts';
import { periodOf, periodsBack } from './calendarPeriod.ts';
import { formatTimestamp, parseTimestamp, zeroTime, type Timestamp } from './time.ts';

function at(text: string): Timestamp {
  return parseTimestamp(text) ?? zeroTime;
}

test('spans are read and written', () => {
  expect(parseCalendarDuration('1y5m7d2h')).toEqual({ years: 1, months: 5, days: 7, hours: 2 });
  expect(formatCalendarDuration(parseCalendarDuration(' 2h007d '))).toBe('7d2h');
});

test.each(['', '7', 'd', '1w', '1d1d', '0d', '-1d', '1.5d', '1d 2h', '1D'])('%j is no span', (text) => {
  expect(() => parseCalendarDuration(text)).toThrow('is not a span of time');
});

test.each([
  ['2026-03-31T12:00:00Z', '1m', '2026-03-03T12:00:00Z'],
  ['2024-02-29T12:00:00.123456789Z', '1y', '2023-03-01T12:00:00.123456789Z'],
  ['2026-01-01T00:30:00+01:00', '1d2h', '2025-12-30T22:30:00+01:00'],
  ['2026-03-01T00:00:00-08:00', '1y1m1d1h', '2025-01-30T23:00:00-08:00'],
  ['2026-01-15T00:00:00Z', '25m', '2023-12-15T00:00:00Z'],
])('%s less %s', (time, span, expected) => {
  const before = subtractDuration(at(time), parseCalendarDuration(span));
  expect(before && formatTimestamp(before)).toBe(expected);
});

test('a span longer than any calendar has no beginning', () => {
  expect(subtractDuration(at('2026-01-01T00:00:00Z'), parseCalendarDuration('9999999y'))).toBeUndefined();
});

test.each([
  ['2026-11-22T10:59:59.9Z', '2026-11-22T10', '2026-11-22', '2026-W47', '2026-11', '2026'],
  ['2026-12-31T23:30:00-03:00', '2026-12-31T23', '2026-12-31', '2026-W53', '2026-12', '2026'],
  ['2024-12-30T00:00:00Z', '2024-12-30T00', '2024-12-30', '2025-W01', '2024-12', '2024'],
  ['2021-01-03T00:00:00Z', '2021-01-03T00', '2021-01-03', '2020-W53', '2021-01', '2021'],
  ['2023-01-01T23:00:00Z', '2023-01-01T23', '2023-01-01', '2022-W52', '2023-01', '2023'],
])('periods of %s', (time, ...labels) => {
  expect((['hour', 'day', 'week', 'month', 'year'] as const).map((unit) => periodOf(unit, at(time)))).toEqual(labels);
});

test.each([
  ['hour', '2024-03-01T01', '2024-03-01T00', '2024-02-29T23'],
  ['day', '2024-03-01', '2024-02-29', '2024-02-28'],
  ['week', '2024-W09', '2024-W08', '2024-W07'],
  ['month', '2024-03', '2024-02', '2024-01'],
  ['year', '2024', '2023', '2022'],
] as const)('%ss go back', (unit, ...labels) => {
  expect([...periodsBack(unit, at('2024-03-01T01:00:00Z')).take(3)]).toEqual(labels);
});

test('months go back from a day that others do not have', () => {
  expect([...periodsBack('month', at('2026-03-31T00:00:00Z')).take(3)]).toEqual(['2026-03', '2026-02', '2026-01']);
});
