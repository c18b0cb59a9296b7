import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { decodeWalHeader, encodeWalHeader, walHeaderBytes, walObjectKinds, type WalObjectKind } from './walHeader.ts';

const header = fc.record({
  kind: fc.constantFrom(...(Object.keys(walObjectKinds) as WalObjectKind[])),
  major: fc.nat(0xffff),
  timeline: fc.nat(0xffff_ffff),
  systemIdentifier: fc.bigInt(0n, 2n ** 64n - 1n).map(toSystemIdentifier),
  segmentNumber: fc.bigInt(0n, 2n ** 64n - 1n),
  segmentBytes: fc.nat(0xffff_ffff),
  backupOffset: fc.nat(0xffff_ffff),
  contentBytes: fc.nat(1024 * 1024 * 1024),
  storedAt: fc.date({ min: new Date(0), noInvalidDate: true }),
});

test('a header comes back as it was written', () => {
  fc.assert(
    fc.property(header, (written) => {
      const bytes = encodeWalHeader(written);
      expect(bytes.length).toBe(walHeaderBytes);
      expect(decodeWalHeader(bytes, 'x')).toEqual(written);
    }),
  );
});

test('the bytes are those of docs/design/wal-archive.md', () => {
  const bytes = encodeWalHeader({
    kind: 'partial',
    major: 17,
    timeline: 0x01020304,
    systemIdentifier: toSystemIdentifier(0x1112131415161718n),
    segmentNumber: 0x2122232425262728n,
    segmentBytes: 0x01000000,
    backupOffset: 0x31323334,
    contentBytes: 0x4142,
    storedAt: new Date(0x0000_0192_5152_5354),
  });
  const magic = Buffer.from('USTDYWAL').toString('hex');
  const numbers = '0100 02 00 04030201 1817161514131211 2827262524232221 00000001 34333231 4241000000000000 1100';
  const fields = [magic, ...numbers.split(' '), '00'.repeat(6), '5453525192010000'];
  expect(bytes.toString('hex')).toBe(fields.join(''));
});

test('what is no header, or one of the future, is refused', () => {
  const good = encodeWalHeader({
    kind: 'segment',
    major: 15,
    timeline: 1,
    systemIdentifier: toSystemIdentifier(1n),
    segmentNumber: 1n,
    segmentBytes: 1,
    backupOffset: 0,
    contentBytes: 1,
    storedAt: new Date(0),
  });
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  expect(() => decodeWalHeader(good.subarray(0, 63), 'x')).toThrow(/does not begin as/);
  expect(() => decodeWalHeader(changed(0, 0), 'x')).toThrow(/does not begin as/);
  expect(() => decodeWalHeader(changed(10, 9), 'x')).toThrow(/unknown kind 9/);
  expect(() => decodeWalHeader(changed(46, 1), 'x')).toThrow(/larger than any segment/);
  expect(() => decodeWalHeader(changed(8, 2), 'x')).toThrow(
    expect.objectContaining({ code: 'repository-unsupported' }),
  );
});
