import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBytes, parseSize } from './bytes.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.000 KiB'],
  [1_325_039_141, '1.234 GiB'],
  [16 * 2 ** 20, '16.000 MiB'],
  [3n * 2n ** 50n, '3072.000 TiB'],
])('%s bytes are shown as %s', (size, text) => {
  expect(formatBytes(size)).toBe(text);
});

test.each([
  ['16MiB', 16 * 2 ** 20],
  ['1.5G', 1.5 * 2 ** 30],
  ['512 K', 512 * 1024],
  ['17', 17],
  ['17B', 17],
  ['2TiB', 2 ** 41],
])('%s is a size', (text, size) => {
  expect(parseSize(text)).toBe(size);
});

test.each(['', 'MiB', '-1', '1e3', '16 mib', '16MB', '1 2', '9999999TiB', 'NaN'])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test('whole units come back from their text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1023 }), fc.constantFrom('KiB', 'MiB', 'GiB', 'TiB'), (count, unit) => {
      expect(formatBytes(parseSize(`${count}${unit}`) ?? -1)).toBe(`${count}.000 ${unit}`);
    }),
  );
});
