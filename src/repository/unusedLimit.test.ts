import { expect, test } from 'vitest';
import { parseUnusedLimit, unusedBytesAllowed } from './unusedLimit.ts';

test.each([
  ['unlimited', Number.POSITIVE_INFINITY],
  ['5%', 5],
  ['0%', 0],
  ['50%', 95],
  ['10K', 10_240],
  ['0', 0],
])('%s of 95 used bytes', (text, allowed) => {
  expect(unusedBytesAllowed(parseUnusedLimit(text), 95)).toBe(allowed);
});

test.each(['', '100%', '-1%', 'some', '5 %'])('%j is refused', (text) => {
  expect(() => parseUnusedLimit(text)).toThrow(expect.objectContaining({ code: 'usage' }));
});
