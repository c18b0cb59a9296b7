import { expect, test } from 'vitest';
import { wrapped } from './wrapped.ts';

test('a sentence is broken at words to fit the screen, and left alone where there is none', () => {
  const text = 'WARNING database: the newest backup is old';
  expect(wrapped(text, { interactive: true, width: 20 })).toEqual([
    'WARNING database:',
    '  the newest backup',
    '  is old',
  ]);
  expect(wrapped(text, { interactive: false, width: 20 })).toEqual([text]);
  expect(wrapped('a'.repeat(30), { interactive: true, width: 20 })).toEqual(['a'.repeat(30)]);
});
