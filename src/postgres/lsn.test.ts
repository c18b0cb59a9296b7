import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToLsn, formatLsn, parseLsn, toLsn, tryParseLsn } from './lsn.ts';

test('formats as PostgreSQL does', () => {
  expect(formatLsn(toLsn(0n))).toBe('0/0');
  expect(formatLsn(toLsn(0x16_b374d848n))).toBe('16/B374D848');
  expect(formatLsn(toLsn(0xffff_ffff_ffff_ffffn))).toBe('FFFFFFFF/FFFFFFFF');
});

test('every LSN survives text, in either case and with leading zeros', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 0xffff_ffff_ffff_ffffn), (value) => {
      const lsn = toLsn(value);
      expect(parseLsn(formatLsn(lsn))).toBe(value);
      expect(parseLsn(formatLsn(lsn).toLowerCase())).toBe(value);
      const padded = value.toString(16).padStart(16, '0');
      expect(parseLsn(`${padded.slice(0, 8)}/${padded.slice(8)}`)).toBe(value);
    }),
  );
});

test.each(['', '/', '0', '0/', '/0', '0/0 ', ' 0/0', '1/2/3', '123456789/0', '0/123456789', 'G/0', '0x1/0', '-1/0'])(
  'refuses %j',
  (text) => {
    expect(tryParseLsn(text)).toBeUndefined();
    expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  },
);

test('arithmetic never leaves 64 bits', () => {
  expect(addToLsn(toLsn(0xffff_ffffn), 1n)).toBe(0x1_0000_0000n);
  expect(() => addToLsn(toLsn(0n), -1n)).toThrow('unsigned 64-bit');
  expect(() => addToLsn(toLsn(0xffff_ffff_ffff_ffffn), 1n)).toThrow('unsigned 64-bit');
});
