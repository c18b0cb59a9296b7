import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inspectPage, isNewPage, pageChecksum, pageLsn, storedPageChecksum } from './pageHeader.ts';

const block = fc.integer({ min: 0, max: 0xffff_ffff });
const pageBytes = fc.constantFrom(1024, 8192, 32768);

/** A page with a sane header around some seeded filling, sealed with its own checksum. */
function buildPage(sizeBytes: number, seed: number, blockNumber: number): Buffer {
  const page = Buffer.alloc(sizeBytes);
  for (let i = 24; i < sizeBytes; i++) page[i] = (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24;
  page.writeUInt32LE(0x16, 0);
  page.writeUInt32LE(0xb374d848, 4);
  page.writeUInt16LE(0x0004, 10);
  page.writeUInt16LE(32, 12);
  page.writeUInt16LE(sizeBytes - 64, 14);
  page.writeUInt16LE(sizeBytes - 16, 16);
  page.writeUInt16LE((sizeBytes | 4) & 0xffff, 18);
  page.writeUInt16LE(pageChecksum(page, blockNumber), 8);
  return page;
}

test('a sealed page is valid in its own place and damaged in another', () => {
  fc.assert(
    fc.property(pageBytes, fc.integer(), block, (sizeBytes, seed, blockNumber) => {
      const page = buildPage(sizeBytes, seed, blockNumber);
      expect(inspectPage(page, blockNumber, true)).toBe('valid');
      expect(inspectPage(page, (blockNumber ^ 1) >>> 0, true)).toBe('bad-checksum');
      expect(pageLsn(page)).toBe(0x16_b374d848n);
    }),
    { numRuns: 30 },
  );
});

test('the stored checksum is not part of the checksum, and any other flipped bit is', () => {
  const page = buildPage(8192, 7, 42);
  const sum = storedPageChecksum(page);
  fc.assert(
    fc.property(fc.nat(8191), fc.nat(7), (offset, bit) => {
      const damaged = Buffer.from(page);
      damaged[offset] = (damaged[offset] as number) ^ (1 << bit);
      const inChecksum = offset === 8 || offset === 9;
      expect(pageChecksum(damaged, 42) === sum).toBe(inChecksum);
      expect(inspectPage(damaged, 42, true)).not.toBe('valid');
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('a page at an odd memory address gives the same answer', () => {
  const page = buildPage(8192, 3, 9);
  const shifted = Buffer.concat([Buffer.alloc(1), page]).subarray(1);
  expect(inspectPage(shifted, 9, true)).toBe('valid');
});

test('zero pages are new; a page that only claims to be new is damaged', () => {
  const page = Buffer.alloc(8192);
  expect(isNewPage(page)).toBe(true);
  expect(inspectPage(page, 5, true)).toBe('new');
  page[8191] = 1;
  expect(inspectPage(page, 5, true)).toBe('bad-header');
});

test.each([
  ['unknown flags', 10, 0x0008],
  ['lower after upper', 12, 8190],
  ['upper after special', 14, 8190],
  ['special outside the page', 16, 8200],
  ['special not aligned', 16, 8180],
])('without checksums the header is still judged: %s', (_, offset, value) => {
  const page = buildPage(8192, 1, 0);
  page.writeUInt16LE(0, 8);
  expect(inspectPage(page, 0, false)).toBe('valid');
  page.writeUInt16LE(value, offset);
  expect(inspectPage(page, 0, false)).toBe('bad-header');
});
