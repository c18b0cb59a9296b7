import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSystemIdentifier, toSystemIdentifier } from './systemIdentifier.ts';

test('every identifier survives text, also those above the signed range', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 0xffff_ffff_ffff_ffffn), (value) => {
      expect(parseSystemIdentifier(toSystemIdentifier(value).toString())).toBe(value);
    }),
  );
});

test.each(['', '0', '-1', '01', '1.0', '0x1', '18446744073709551616', '7000 '])('refuses %j', (text) => {
  expect(() => parseSystemIdentifier(text)).toThrow(expect.objectContaining({ code: 'usage' }));
});
