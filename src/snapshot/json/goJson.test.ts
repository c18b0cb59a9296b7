import fc from 'fast-check';
import { expect, test } from 'vitest';
import { goJson, goJsonBytes, goJsonString, parseJson } from './goJson.ts';

test('strings are escaped as Go does', () => {
  expect(goJsonString('a<b>&"\\\n\r\t\b\f\u2028\u2029\u007fé😀\ufffd')).toBe(
    '"a\\u003cb\\u003e\\u0026\\"\\\\\\n\\r\\t\\u0008\\u000c\\u2028\\u2029\u007fé😀\ufffd"',
  );
});

test.each([
  ['a real replacement character is raw', [0xef, 0xbf, 0xbd], '"\ufffd"'],
  ['each byte of a truncated sequence counts', [0x61, 0xe2, 0x82, 0x62], '"a\\ufffd\\ufffdb"'],
  ['overlong and surrogate forms are invalid', [0xc0, 0xaf, 0xed, 0xa0, 0x80], `"${'\\ufffd'.repeat(5)}"`],
  ['beyond U+10FFFF is invalid', [0xf4, 0x90, 0x80, 0x80], `"${'\\ufffd'.repeat(4)}"`],
])('bytes: %s', (_name, bytes, json) => {
  expect(goJsonBytes(Uint8Array.from(bytes))).toBe(json);
});

test('property: every string survives, bytes that are UTF-8 equal the string form', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(JSON.parse(goJsonString(text))).toBe(text);
      expect(goJsonBytes(Buffer.from(text))).toBe(goJsonString(text));
    }),
  );
});

test('values keep their order and integers beyond 2^53', () => {
  const text = '{"b":18446744073709551615,"a":[1,-2.5,null,true,"\\u003c"],"2":{}}';
  expect(goJson(parseJson(text))).toBe('{"2":{},"b":18446744073709551615,"a":[1,-2.5,null,true,"\\u003c"]}');
});
