import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toLsn, type Lsn } from './lsn.ts';
import { inspectPage, isNewPage, pageChecksum, pageLsn, storedPageChecksum } from './pageHeader.ts';
import { createPageScanner, type PageScanOptions } from './pageScan.ts';

const scanner = createPageScanner({ arenaBytes: 131_072 });
const startLsn = toLsn(0x2_8000_0000n);
const sinceLsn = toLsn(0x1_0000_0001n);

const pageKind = fc.constantFrom('valid', 'new', 'almost-new', 'bad-checksum', 'bad-header', 'garbage');
const pageRecipe = fc.record({
  kind: pageKind,
  seed: fc.integer({ min: 1, max: 0x7fffffff }),
  lsn: fc.oneof(
    fc.constantFrom(0n, sinceLsn - 1n, sinceLsn, startLsn - 1n, startLsn, 0xffff_ffff_ffff_ffffn),
    fc.bigInt({ min: 0n, max: 0x3_ffff_ffffn }),
  ),
  spoiltBit: fc.nat(),
});
type PageRecipe = typeof pageRecipe extends fc.Arbitrary<infer Recipe> ? Recipe : never;

/** Bytes of one page as the recipe says; `block` is what its checksum is made for. */
function makePage(recipe: PageRecipe, blockSize: number, block: number): Buffer {
  const page = Buffer.alloc(blockSize);
  const spoil = (from: number) => {
    const bit = from * 8 + (recipe.spoiltBit % ((blockSize - from) * 8));
    page.writeUInt8(page.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  };
  if (recipe.kind === 'new') return page;
  if (recipe.kind === 'almost-new') {
    spoil(24);
    return page;
  }
  let random = recipe.seed;
  for (let at = 0; at < blockSize; at += 4) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    page.writeUInt32LE(random, at);
  }
  if (recipe.kind === 'garbage') return page;
  page.writeUInt32LE(Number(recipe.lsn >> 32n), 0);
  page.writeUInt32LE(Number(recipe.lsn & 0xffff_ffffn), 4);
  page.writeUInt16LE(recipe.seed & 7, 10);
  page.writeUInt16LE(24, 12);
  page.writeUInt16LE(blockSize - 64, 14);
  page.writeUInt16LE(blockSize - 16, 16);
  if (recipe.kind === 'bad-header') page.writeUInt16LE(blockSize - 12, recipe.spoiltBit % 2 === 0 ? 16 : 12);
  page.writeUInt16LE(pageChecksum(page, block), 8);
  if (recipe.kind === 'bad-checksum') spoil(24);
  return page;
}

/** The same judgement, page by page, from the readable reference. */
function scanByReference(bytes: Buffer, options: Required<PageScanOptions>) {
  const { blockSize, chunkBytes } = options;
  const pages = Math.floor(bytes.length / blockSize);
  const tailBytes = bytes.length % blockSize;
  const changedChunks = new Uint8Array(Math.ceil(bytes.length / chunkBytes));
  const badBlocks: number[] = [];
  const invalidBlocks: number[] = [];
  let newPages = 0;
  let maxLsn = 0n;
  for (let i = 0; i < pages; i++) {
    const page = bytes.subarray(i * blockSize, (i + 1) * blockSize);
    const block = options.firstBlock + i;
    const state = inspectPage(page, block, false);
    const lsn = pageLsn(page);
    const verified = options.checksums && !isNewPage(page) && lsn < options.startLsn;
    const wrong = verified && storedPageChecksum(page) !== pageChecksum(page, block);
    const bad = wrong || (isNewPage(page) && state !== 'new');
    const invalid = !isNewPage(page) && state === 'bad-header';
    if (state === 'new') newPages++;
    if (bad) badBlocks.push(block);
    if (invalid) invalidBlocks.push(block);
    if (state === 'valid' && lsn > maxLsn) maxLsn = lsn;
    if (bad || state !== 'valid' || lsn >= options.sinceLsn)
      changedChunks[Math.floor((i * blockSize) / chunkBytes)] = 1;
  }
  if (tailBytes > 0) changedChunks[changedChunks.length - 1] = 1;
  return { pages, tailBytes, maxLsn, newPages, badBlocks, invalidBlocks, changedChunks };
}

test('the scanner agrees with the page reference for every block size', () => {
  const scenario = fc.record({
    recipes: fc.array(pageRecipe, { maxLength: 24 }),
    blockSize: fc.constantFrom(1024, 8192, 8192, 8192, 32_768),
    chunkBlocks: fc.integer({ min: 1, max: 8 }),
    firstBlock: fc.oneof(fc.constantFrom(0, 131_072, 4 * 131_072), fc.integer({ min: 0, max: 0xffff_ff00 })),
    checksums: fc.boolean(),
    tail: fc.constantFrom(0, 0, 1, 512),
  });
  fc.assert(
    fc.property(scenario, ({ recipes, blockSize, chunkBlocks, firstBlock, checksums, tail }) => {
      const pages = recipes.map((recipe, i) => makePage(recipe, blockSize, firstBlock + i));
      const bytes = Buffer.concat([...pages, Buffer.alloc(tail, 1)]);
      const chunkBytes = chunkBlocks * blockSize;
      const options = { blockSize, chunkBytes, firstBlock, checksums, startLsn, sinceLsn };
      expect(scanner.scanBuffer(bytes, options)).toMatchObject(scanByReference(bytes, options));
    }),
    { numRuns: 300 },
  );
});

const validPage = { kind: 'valid', seed: 42, lsn: 5n, spoiltBit: 0 } as const;

test('bytes that lie in the arena are judged where they are', () => {
  const page = makePage(validPage, 8192, 3);
  page.copy(scanner.buffer, 8192);
  const bytes = scanner.buffer.subarray(8192, 16_384);
  scanner.buffer.fill(0xff, 0, 8192);
  expect(scanner.scanBuffer(bytes, { firstBlock: 3, startLsn, checksums: true }).badBlocks).toEqual([]);
  expect(scanner.buffer.readUInt8(0)).toBe(0xff);
});

test('scan looks at the given length only', () => {
  makePage(validPage, 8192, 0).copy(scanner.buffer, 0);
  scanner.buffer.fill(0xff, 8192, 16_384);
  const options = { firstBlock: 0, startLsn, checksums: true };
  expect(scanner.scan({ ...options, lengthBytes: 8192 })).toMatchObject({ pages: 1, invalidBlocks: [], maxLsn: 5n });
  expect(scanner.scan({ ...options, lengthBytes: 16_384 })).toMatchObject({ pages: 2, invalidBlocks: [1] });
  expect(scanner.scan({ ...options, lengthBytes: 0 })).toMatchObject({ pages: 0, changedChunks: new Uint8Array(0) });
});

test('a page in the wrong place and any flipped bit of a page are found', () => {
  const page = makePage(validPage, 8192, 9);
  const options = { firstBlock: 9, startLsn, checksums: true };
  expect(scanner.scanBuffer(page, options).badBlocks).toEqual([]);
  expect(scanner.scanBuffer(page, { ...options, firstBlock: 10 }).badBlocks).toEqual([10]);
  for (let bit = 24 * 8; bit < 8192 * 8; bit += 37) {
    const flipped = Buffer.from(page);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(scanner.scanBuffer(flipped, options).badBlocks).toEqual([9]);
  }
});

test('changed defaults to since the start of this backup', () => {
  const old = makePage({ ...validPage, lsn: startLsn - 1n }, 8192, 0);
  const recent = makePage({ ...validPage, lsn: startLsn }, 8192, 1);
  const changed = (since?: Lsn) => {
    const options = { firstBlock: 0, startLsn, checksums: true, chunkBytes: 8192 };
    const bytes = Buffer.concat([old, recent]);
    return [
      ...scanner.scanBuffer(bytes, since === undefined ? options : { ...options, sinceLsn: since }).changedChunks,
    ];
  };
  expect(changed()).toEqual([0, 1]);
  expect(changed(sinceLsn)).toEqual([1, 1]);
});
