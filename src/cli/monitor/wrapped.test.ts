import { expect, test } from 'vitest';
import { wrapped, wrappedBehind } from './wrapped.ts';

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

test('a coloured word takes as much place as a plain one', () => {
  const words = ['\x1b[33mWARNING\x1b[39m', 'database: is old'];
  expect(wrapped(words.join(' '), { interactive: true, width: 20 })).toEqual([`${words[0]} database:`, '  is old']);
});

test('behind a label the text stays behind it', () => {
  const line = '  size      1.2 GiB, of which WAL 3 GiB';
  expect(wrappedBehind(line, 12, { interactive: true, width: 28 })).toEqual([
    '  size      1.2 GiB, of',
    '              which WAL 3',
    '              GiB',
  ]);
  for (const terminal of [
    { interactive: false, width: 28 },
    { interactive: true, width: 80 },
  ]) {
    expect(wrappedBehind(line, 11, terminal)).toEqual([line]);
  }
});
