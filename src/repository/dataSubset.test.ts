import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { parseDataSubset, selectPacks } from './dataSubset.ts';

const packs = Array.from({ length: 200 }, (_, index) => ({
  id: ((index * 37) % 256).toString(16).padStart(2, '0').padEnd(64, '0'),
  sizeBytes: 100,
}));

test.each([
  ['1/5', { kind: 'part', part: 1, parts: 5 }],
  ['256/256', { kind: 'part', part: 256, parts: 256 }],
  ['2.5%', { kind: 'percent', percent: 2.5 }],
  ['100%', { kind: 'percent', percent: 100 }],
  ['10G', { kind: 'bytes', bytes: 10 * 2 ** 30 }],
  ['500', { kind: 'bytes', bytes: 500 }],
])('%s', (text, expected) => {
  expect(parseDataSubset(text)).toEqual(expected);
});

test.each(['', '0/5', '6/5', '1/257', '0%', '101%', '-1%', 'half', '0', '1/2/3'])('%j is refused', (text) => {
  expect(() => parseDataSubset(text)).toThrow(expect.objectContaining({ code: 'usage', hint: expect.any(String) }));
});

test('parts are disjoint and together everything, as stock restic cuts them', () => {
  const parts = [1, 2, 3].map((part) => selectPacks(packs, { kind: 'part', part, parts: 3 }, Math.random));
  expect(parts.flat()).toHaveLength(packs.length);
  expect(new Set(parts.flat()).size).toBe(packs.length);
  expect(parts[0]?.every(({ id }) => Number.parseInt(id.slice(0, 2), 16) % 3 === 0)).toBe(true);
});

test('random subsets have their size, differ by seed and do not repeat a pack', () => {
  const percent = (seed: number, share: number) =>
    selectPacks(packs, { kind: 'percent', percent: share }, seededRandom(seed));
  expect(percent(1, 10)).toHaveLength(20);
  expect(percent(1, 0.01)).toHaveLength(1);
  expect(new Set(percent(1, 100)).size).toBe(200);
  expect(percent(1, 10)).toEqual(percent(1, 10));
  expect(percent(1, 10)).not.toEqual(percent(2, 10));
  expect(selectPacks(packs, { kind: 'bytes', bytes: 1050 }, seededRandom(1))).toHaveLength(11);
  expect(selectPacks([], { kind: 'percent', percent: 50 }, Math.random)).toEqual([]);
});
