import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { crc32c } from '../postgres/crc32c.ts';
import { pageChecksum } from '../postgres/pageHeader.ts';
import { createQuickEqual } from './pageEquality.ts';

const startLsn = 0x2_0000_0000n;
const blockBytes = 8192;

/** A valid page with random rows, as block `block`, last written at `lsn`. */
function page(block: number, lsn: bigint): Buffer {
  const bytes = Buffer.alloc(blockBytes);
  randomBytes(4000).copy(bytes, 4096);
  bytes.writeUInt32LE(Number(lsn >> 32n), 0);
  bytes.writeUInt32LE(Number(lsn & 0xffffffffn), 4);
  bytes.writeUInt16LE(64, 12); // lower
  bytes.writeUInt16LE(4096, 14); // upper
  bytes.writeUInt16LE(blockBytes, 16); // special
  bytes.writeUInt16LE(blockBytes + 4, 18); // page size and layout version
  bytes.writeUInt16LE(pageChecksum(bytes, block), 8);
  return bytes;
}

function chunk(firstBlock: number, lsn: bigint): Buffer {
  return Buffer.concat(Array.from({ length: 8 }, (_, index) => page(firstBlock + index, lsn)));
}

const equal = createQuickEqual({ startLsn, blockBytes, blocksPerSegment: 131_072 });

test('old sound pages with the recorded checksum are taken for right, at their place only', () => {
  const bytes = chunk(131_072 + 8, startLsn - 1n);
  const proof = { segment: 1, crcs: Uint32Array.of(0, crc32c(bytes)) } as never;
  expect(equal(proof, { index: 1, offset: 65_536, bytes })).toBe(true);
  expect(equal(proof, { index: 0, offset: 65_536, bytes })).toBe(false);
  expect(equal(proof, { index: 1, offset: 0, bytes })).toBe(false);
});

test('a page written since the backup began is left to hashing, even with the recorded checksum', () => {
  const bytes = chunk(0, startLsn);
  expect(equal({ segment: 0, crcs: Uint32Array.of(crc32c(bytes)) } as never, { index: 0, offset: 0, bytes })).toBe(
    false,
  );
});

test('no single damaged byte passes, and neither do zeros', () => {
  const sound = chunk(0, startLsn - 1n);
  const proof = { segment: 0, crcs: Uint32Array.of(crc32c(sound)) } as never;
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(sound);
    bytes[Math.floor(Math.random() * bytes.length)]! ^= 1 + Math.floor(Math.random() * 255);
    expect(equal(proof, { index: 0, offset: 0, bytes })).toBe(false);
  }
  const zeros = Buffer.alloc(65_536);
  expect(
    equal({ segment: 0, crcs: Uint32Array.of(crc32c(zeros)) } as never, { index: 0, offset: 0, bytes: zeros }),
  ).toBe(false);
});
