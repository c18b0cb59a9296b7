import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  [0, '0 s'],
  [0.4, '0 s'],
  [350, '350 ms'],
  [999.6, '1 s'],
  [23_000, '23 s'],
  [59_999, '1 min'],
  [250_000, '4 min 10 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [3_600_000 + 5_000, '1 h'],
  [183_600_000, '2 d 3 h'],
  [-250_000, '-4 min 10 s'],
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  ['30m', 1_800_000],
  ['26h', 93_600_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['250ms', 250],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '30', 'm', '-5m', '5 m', '1y', '5M', '1h-2m'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
