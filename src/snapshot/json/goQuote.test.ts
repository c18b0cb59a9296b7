import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goQuote, goUnquote } from './goQuote.ts';

test.each([
  ['plain name.txt', 'plain name.txt'],
  ['a"b\\c', 'a\\"b\\\\c'],
  ['\u0007\b\f\n\r\t\v', '\\a\\b\\f\\n\\r\\t\\v'],
  ['\u0001\u001b\u007f', '\\x01\\x1b\\x7f'],
  ['é漢😀\u0301', 'é漢😀\u0301'],
  ['\u00a0\u00ad\u0085\u2028\u3000\ue000', '\\u00a0\\u00ad\\u0085\\u2028\\u3000\\ue000'],
  ['\u{e0001}\u{10ffff}', '\\U000e0001\\U0010ffff'],
])('%j', (name, quoted) => {
  expect(goQuote(Buffer.from(name))).toBe(quoted);
  expect(goUnquote(quoted)).toEqual(Buffer.from(name));
});

test('bytes that are not UTF-8 are written one by one', () => {
  const name = Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]);
  expect(goQuote(name)).toBe('a\\xff\\xe2\\x82b');
  expect(goUnquote(goQuote(name))).toEqual(name);
});

test('property: any bytes survive', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (name) => {
      expect(goUnquote(goQuote(name))).toEqual(Buffer.from(name));
    }),
  );
});

test.each(['"', 'a\nb', '\\', '\\q', '\\x4', '\\u12', '\\ud800', '\\U00110000', "\\'", '\\400', 'x\\"y"'])(
  '%j is no string literal',
  (text) => {
    expect(goUnquote(text)).toBeUndefined();
  },
);

test('octal escapes are read', () => {
  expect(goUnquote('\\101\\377')).toEqual(Buffer.from([0x41, 0xff]));
});
