import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  generateMasterKey,
  masterKeyFromBytes,
  masterKeyToBytes,
  parseMasterKey,
  serializeMasterKey,
} from './masterKey.ts';
import { Sealer, sealOverheadBytes } from './sealer.ts';
import { ZstdCompressor, ZstdDecompressor, zstdBound, type Compression } from './zstd.ts';

test('what is sealed opens again, and no flipped bit goes unnoticed', () => {
  const sealer = new Sealer(generateMasterKey());
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (plain, flip) => {
      const sealed = sealer.seal(plain);
      expect(sealed.length).toBe(plain.length + sealOverheadBytes);
      expect(sealer.open(sealed).equals(plain)).toBe(true);
      const bit = flip % (sealed.length * 8);
      sealed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => sealer.open(sealed)).toThrow(/authentication tag/);
    }),
  );
});

test('what is opened in pieces is the same, and nothing comes of damage', () => {
  const sealer = new Sealer(generateMasterKey());
  for (const length of [0, 1, 256 * 1024, 600_001]) {
    const plain = randomBytes(length);
    const sealed = sealer.seal(plain);
    expect(Buffer.concat([...sealer.openPieces(sealed)]).equals(plain)).toBe(true);
    sealed[sealed.length - 1]! ^= 1;
    expect(() => sealer.openPieces(sealed).next()).toThrow(/authentication tag/);
  }
});

test('no two seals share an initialisation vector', () => {
  const sealer = new Sealer(generateMasterKey());
  const seen = new Set(Array.from({ length: 10_000 }, () => sealer.seal(Buffer.of(1)).toString('latin1', 0, 16)));
  expect(seen.size).toBe(10_000);
});

test('a master key survives its JSON and its bytes; blank keys are refused', () => {
  const key = generateMasterKey();
  expect(parseMasterKey(serializeMasterKey(key))).toEqual(key);
  expect(masterKeyFromBytes(masterKeyToBytes(key))).toEqual(key);
  expect(() => parseMasterKey(serializeMasterKey({ ...key, macR: Buffer.alloc(16) }))).toThrow(/no usable master key/);
});

const levels: Exclude<Compression, 'off'>[] = ['fastest', 'default', 'better', 'max', { level: 6 }];

test.each(levels)('zstd %o comes back as it went in, frame after frame', (level) => {
  const compressor = new ZstdCompressor(level);
  const decoder = new ZstdDecompressor();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.nat(3), (bytes, copies) => {
      const plain = Buffer.concat(Array.from({ length: copies + 1 }, () => bytes));
      const frame = Buffer.alloc(zstdBound(plain.length) + 1);
      const length = compressor.compressInto(plain, frame, 1);
      const back = Buffer.alloc(plain.length);
      decoder.decompressInto(frame.subarray(1, 1 + length), back, 0, plain.length);
      expect(back.equals(plain)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

/** The bytes in pieces of one length. */
function* cut(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const longContents = [Buffer.from('x'), Buffer.alloc(256 * 1024, 'ab'), Buffer.alloc(1_000_000), randomBytes(700_001)];

test.each([1000, 300_000, Infinity])('a frame in pieces of %d bytes decompresses in pieces', (pieceLength) => {
  const compressor = new ZstdCompressor('default');
  const decoder = new ZstdDecompressor();
  const plainOf = (frame: Buffer, length: number): Buffer =>
    Buffer.concat(Array.from(decoder.decompressPieces(cut(frame, pieceLength), length), (piece) => Buffer.from(piece)));
  for (const plain of longContents) {
    const target = Buffer.alloc(zstdBound(plain.length) + 1);
    const frame = target.subarray(0, compressor.compressInto(plain, target, 0));
    expect(plainOf(frame, plain.length).equals(plain)).toBe(true);
    expect(() => plainOf(frame, plain.length - 1)).toThrow(/damaged/);
    expect(() => plainOf(frame, plain.length + 1)).toThrow(/damaged/);
    expect(() => plainOf(frame.subarray(0, -1), plain.length)).toThrow(/damaged/);
    expect(() => plainOf(Buffer.from('not zstd at all'), plain.length)).toThrow(/damaged/);
    expect([...decoder.decompressPieces([frame], plain.length).take(1)]).toHaveLength(1); // given up after a piece
    expect(plainOf(frame, plain.length).equals(plain)).toBe(true);
  }
});

test('a damaged frame is refused and the decoder works on', () => {
  const compressor = new ZstdCompressor('default');
  const decoder = new ZstdDecompressor();
  const plain = Buffer.alloc(70_000, 'some text that repeats, ');
  const frame = Buffer.alloc(zstdBound(plain.length));
  const length = compressor.compressInto(plain, frame, 0);
  const back = Buffer.alloc(plain.length);
  expect(() => decoder.decompressInto(frame.subarray(0, length - 3), back, 0, plain.length)).toThrow(/damaged/);
  expect(() => decoder.decompressInto(Buffer.from('not zstd at all'), back, 0, plain.length)).toThrow(/damaged/);
  expect(() => decoder.decompressInto(frame.subarray(0, length), back, 0, plain.length - 1)).toThrow(/damaged/);
  decoder.decompressInto(frame.subarray(0, length), back, 0, plain.length);
  expect(back.equals(plain)).toBe(true);
});
