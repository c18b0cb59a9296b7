import { expect, test } from 'vitest';
import { nameHint, nearestName } from './nearestName.ts';
import { parseDuration, parseSize } from './quantities.ts';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5h', 5_400_000],
  ['2w', 1_209_600_000],
  ['5', undefined],
  ['', undefined],
  ['5 m', undefined],
  ['m5', undefined],
  ['-5m', undefined],
])('duration %j', (text, expected) => expect(parseDuration(text)).toBe(expected));

test.each([
  ['1048576', 1_048_576],
  ['16MiB', 16_777_216],
  ['4 GiB', 4_294_967_296],
  ['1.5K', 1536],
  ['16MB', undefined],
  ['x', undefined],
])('size %j', (text, expected) => expect(parseSize(text)).toBe(expected));

test('the nearest name is found for typing mistakes and nothing for other words', () => {
  const names = ['retention', 'repository', 'sources'];
  expect(nearestName('retenton', names)).toBe('retention');
  expect(nearestName('REPOSITROY', names)).toBe('repository');
  expect(nearestName('database', names)).toBeUndefined();
  expect(nameHint('database', names)).toBe('known here: retention, repository, sources');
});
