import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toSystemIdentifier } from './systemIdentifier.ts';
import { checkWalSegment, checkWalSegmentHead, parseWalPageHeader, walPageFlags } from './walPage.ts';
import type { WalSegmentName } from './walSegment.ts';

const segmentBytes = 1024 * 1024;
const systemIdentifier = toSystemIdentifier(0xf2c9_026b_f000_0001n);
const name = '000000020000000100000ABC' as WalSegmentName;

/** A segment of PostgreSQL 15 with the first page that its name wants. */
function buildSegment(): Buffer {
  const bytes = Buffer.alloc(segmentBytes);
  bytes.writeUInt16LE(0xd110, 0);
  bytes.writeUInt16LE(walPageFlags.longHeader | walPageFlags.firstIsContRecord, 2);
  bytes.writeUInt32LE(2, 4);
  bytes.writeBigUInt64LE(0x1_abc0_0000n, 8);
  bytes.writeUInt32LE(1234, 16);
  bytes.writeBigUInt64LE(systemIdentifier, 24);
  bytes.writeUInt32LE(segmentBytes, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes;
}

test('a segment that is what its name says', () => {
  const facts = checkWalSegment(buildSegment(), { name, systemIdentifier, segmentBytes, major: 15 });
  expect(facts).toEqual({ systemIdentifier, segmentBytes, blockBytes: 8192, major: 15 });
});

test('a segment that begins with its parent timeline is sound', () => {
  const bytes = buildSegment();
  bytes.writeUInt32LE(1, 4);
  expect(checkWalSegment(bytes, { name }).major).toBe(15);
});

test.each<[string, string, (bytes: Buffer) => void]>([
  ['all zero', 'unknown magic number 0', (bytes) => bytes.fill(0)],
  ['compressed', 'unknown magic number', (bytes) => bytes.writeUInt32LE(0xfd2fb528, 0)],
  ['PostgreSQL 12', 'unknown magic number D101', (bytes) => bytes.writeUInt16LE(0xd101, 0)],
  ['a short header', 'impossible page flags', (bytes) => bytes.writeUInt16LE(0, 2)],
  ['an unknown flag', 'impossible page flags', (bytes) => bytes.writeUInt16LE(0x12, 2)],
  ['an odd segment size', 'claims a segment size', (bytes) => bytes.writeUInt32LE(3_000_000, 32)],
  ['another length', 'bytes long instead of', (bytes) => bytes.writeUInt32LE(2 * segmentBytes, 32)],
  ['a recycled file', 'holds the WAL from 1/AB000000', (bytes) => bytes.writeBigUInt64LE(0x1_ab00_0000n, 8)],
  ['a child timeline', 'was written on timeline 3', (bytes) => bytes.writeUInt32LE(3, 4)],
  ['timeline 0', 'was written on timeline 0', (bytes) => bytes.writeUInt32LE(0, 4)],
])('refuses a file that is or has %s', (_, message, damage) => {
  const bytes = buildSegment();
  damage(bytes);
  const own = message.startsWith('bytes long') ? '00000002000000010000055E' : name;
  expect(() => checkWalSegment(bytes, { name: own as WalSegmentName })).toThrow(
    expect.objectContaining({
      code: 'wal-invalid',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    }),
  );
});

test('a truncated file is refused however short it is', () => {
  fc.assert(
    fc.property(fc.nat(segmentBytes - 1), (length) => {
      expect(() => checkWalSegment(buildSegment().subarray(0, length), { name })).toThrow(
        expect.objectContaining({ code: 'wal-invalid' }),
      );
    }),
    { numRuns: 20, examples: [[0], [23], [24], [39], [40]] },
  );
});

test('the head of a segment is enough to tell whose it is', () => {
  const head = buildSegment().subarray(0, 40);
  expect(checkWalSegmentHead(head, { name }).systemIdentifier).toBe(systemIdentifier);
});

test('another cluster, another version, another segment size', () => {
  const bytes = buildSegment();
  const stranger = toSystemIdentifier(7n);
  expect(() => checkWalSegment(bytes, { name, systemIdentifier: stranger })).toThrow(
    expect.objectContaining({
      code: 'cluster-mismatch',
      detail: { name, found: String(systemIdentifier), expected: '7' },
    }),
  );
  expect(() => checkWalSegment(bytes, { name, major: 14 })).toThrow(
    expect.objectContaining({ code: 'cluster-mismatch' }),
  );
  expect(() => checkWalSegment(bytes, { name, segmentBytes: 16 * segmentBytes })).toThrow('1048576 byte segments');
});

test('a short header has no segment part', () => {
  const bytes = buildSegment().subarray(0, 24);
  bytes.writeUInt16LE(0, 2);
  expect(parseWalPageHeader(bytes)).toMatchObject({
    address: 0x1_abc0_0000n,
    remainingBytes: 1234,
    segment: undefined,
  });
});
