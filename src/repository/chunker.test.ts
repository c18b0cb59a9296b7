import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRabinChunker, type RabinChunker } from './chunker.ts';
import { polynomialRemainder } from './polynomial.ts';

const polynomial = 0x3da3358b4dc173n;

interface Sizes {
  readonly minSize: number;
  readonly maxSize: number;
  readonly averageBits: number;
}

/** The chunker as restic describes it, one byte and one shift register at a time. Returns the lengths of all chunks. */
function chunkByReference(bytes: Buffer, { minSize, maxSize, averageBits }: Sizes): number[] {
  const mask = (1n << BigInt(averageBits)) - 1n;
  const leaving = Array.from({ length: 256 }, (_, byte) => polynomialRemainder(BigInt(byte) << 504n, polynomial));
  const lengths: number[] = [];
  for (let start = 0; start < bytes.length; start += lengths.at(-1) ?? 0) {
    const window = new Uint8Array(64);
    window[0] = 1; // restic slides a 1 in first
    let position = 1;
    let digest = 1n;
    let length = minSize - 64;
    for (let at = start + length; at < bytes.length && length < maxSize; at++) {
      const byte = bytes.readUInt8(at);
      digest ^= leaving[window[position] ?? 0] ?? 0n;
      window[position] = byte;
      position = (position + 1) % 64;
      digest = polynomialRemainder((digest << 8n) | BigInt(byte), polynomial);
      length++;
      if (length >= minSize && (digest & mask) === 0n) break;
    }
    lengths.push(Math.min(length, bytes.length - start));
  }
  return lengths;
}

/** Feeds `bytes` in pieces of the given lengths (in turn), each somewhere else in an arena full of other bytes. */
function chunkInPieces(chunker: RabinChunker, bytes: Buffer, pieceLengths: readonly number[]): number[] {
  const lengths: number[] = [];
  chunker.reset();
  for (let fed = 0, turn = 0; fed < bytes.length; turn++) {
    const piece = bytes.subarray(fed, fed + (pieceLengths[turn % pieceLengths.length] ?? 1));
    chunker.buffer.fill(turn);
    const start = (turn * 7919) % (chunker.buffer.length - piece.length + 1);
    piece.copy(chunker.buffer, start);
    let from = start;
    const end = start + piece.length;
    for (;;) {
      const pending = chunker.pendingBytes;
      const cut = chunker.nextCut(from, end);
      if (cut === -1) break;
      lengths.push(pending + cut - from);
      from = cut;
    }
    fed += piece.length;
  }
  if (chunker.pendingBytes > 0) lengths.push(chunker.pendingBytes);
  return lengths;
}

function pseudoRandom(length: number, seed: number): Buffer {
  const key = Buffer.alloc(32, seed);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const region = fc.oneof(
  fc.tuple(fc.nat(255), fc.integer({ min: 0, max: 60_000 })).map(([seed, length]) => pseudoRandom(length, seed)),
  fc.tuple(fc.constantFrom(0, 0, 1, 65), fc.integer({ min: 0, max: 9000 })).map(([byte, n]) => Buffer.alloc(n, byte)),
);

test.each<Sizes>([
  { minSize: 64, maxSize: 700, averageBits: 5 },
  { minSize: 100, maxSize: 100, averageBits: 3 },
  { minSize: 512, maxSize: 8192, averageBits: 10 },
  { minSize: 2048, maxSize: 200_000, averageBits: 14 },
])('cuts where the reference cuts, however the bytes are fed: $minSize $maxSize $averageBits', (sizes) => {
  const chunker = createRabinChunker(polynomial, { ...sizes, arenaBytes: 262_144 });
  const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 150_000 })), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(region, { maxLength: 3 }), pieces, (regions, pieceLengths) => {
      const bytes = Buffer.concat(regions);
      expect(chunkInPieces(chunker, bytes, pieceLengths)).toEqual(chunkByReference(bytes, sizes));
    }),
    { numRuns: 12 },
  );
});

test('the window crosses pieces of every short length', () => {
  const sizes = { minSize: 64, maxSize: 2000, averageBits: 8 };
  const chunker = createRabinChunker(polynomial, { ...sizes, arenaBytes: 1024 });
  const bytes = pseudoRandom(12_000, 1);
  const expected = chunkByReference(bytes, sizes);
  for (let length = 1; length <= 130; length++) {
    expect(chunkInPieces(chunker, bytes, [length])).toEqual(expected);
  }
});

test('zero bytes are cut at the smallest size, other constant bytes at the largest', () => {
  const chunker = createRabinChunker(polynomial);
  expect(chunkInPieces(chunker, Buffer.alloc(1_200_000), [262_144])).toEqual([524_288, 524_288, 151_424]);
  expect(chunkInPieces(chunker, Buffer.alloc(9_000_000, 1), [262_144])).toEqual([8_388_608, 611_392]);
});

test('reset begins a new file', () => {
  const chunker = createRabinChunker(polynomial);
  expect(chunker.nextCut(0, 500_000)).toBe(-1);
  expect(chunker.pendingBytes).toBe(500_000);
  chunker.reset();
  expect(chunker.nextCut(0, 500_000)).toBe(-1);
  expect(chunker.pendingBytes).toBe(500_000);
});

test('refuses polynomials and sizes that make no chunker', () => {
  expect(() => createRabinChunker(0b1011n)).toThrow('degree 53');
  expect(() => createRabinChunker(polynomial, { minSize: 63 })).toThrow('chunk sizes');
  expect(() => createRabinChunker(polynomial, { minSize: 100, maxSize: 99 })).toThrow('chunk sizes');
});
