import { expect, test } from 'vitest';
import { lossText, momentText, sizeText, spanText } from './words.ts';

test.each([
  [0, '0 s'],
  [-5000, '0 s'],
  [23_400, '23 s'],
  [59_600, '1 min'],
  [250_000, '4 min 10 s'],
  [3_600_000, '1 h'],
  [3_605_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [86_400_000, '1 day'],
  [93_600_000, '1 day 2 h'],
  [2 * 86_400_000 + 60_000, '2 days'],
])('%d ms is %s', (milliseconds, text) => {
  expect(spanText(milliseconds)).toBe(text);
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1_610_612_736, '1.5 GiB'],
  [3 * 1024 ** 5, '3072.0 TiB'],
])('%d bytes is %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test('moments are told in UTC', () => {
  expect(momentText(new Date('2026-11-22T10:42:07Z'))).toBe('2026-11-22 10:42 UTC');
});

test('a loss of less than half a second is none', () => {
  expect([0, 499, 1500].map(lossText)).toEqual(['nothing', 'nothing', '2 s']);
});
