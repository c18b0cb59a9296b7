import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('a full run measures everything but the large cluster, and writes the page', () => {
  const options = parseOptions([]);
  expect(options).toMatchObject({ scale: 1, runs: 3, write: true, keep: false, foreignLimit: 0.15 });
  expect(options?.cases).toContain('wal-replay');
  expect(options?.cases).not.toContain('large');
  expect(parseOptions(['--only', 'full', '--large'])?.cases).toEqual(['full', 'large']);
});

test('a part of it writes the page only when told so', () => {
  expect(parseOptions(['--quick'])).toMatchObject({ scale: 0.01, runs: 1, write: false, quietTimeoutMs: 0 });
  expect(parseOptions(['--only', 'full,verify'])).toMatchObject({ write: false, cases: ['full', 'verify'] });
  expect(parseOptions(['--scale', '0.2', '--write'])).toMatchObject({ write: true, scale: 0.2 });
});

test('what makes no sense is refused', () => {
  expect(() => parseOptions(['--only', 'ful'])).toThrow('there is no case ful');
  expect(() => parseOptions(['--scale', 'big'])).toThrow('expected a number above 0');
  expect(() => parseOptions(['--fast'])).toThrow(TypeError);
  expect(parseOptions(['--help'])).toBeUndefined();
});
