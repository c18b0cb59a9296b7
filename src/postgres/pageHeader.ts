import { toLsn, type Lsn } from './lsn.ts';

/**
 * The header and checksum of a PostgreSQL data page (storage/bufpage.h, storage/checksum_impl.h), the same in 13 to 18.
 * This is the readable reference; the fast scanner of whole files must agree with it.
 *
 *   0 LSN, high half u32    4 LSN, low half u32    8 checksum u16    10 flags u16
 *  12 lower u16            14 upper u16           16 special u16    18 page size | layout version u16
 *  20 prune xid u32        24 line pointers
 *
 * A page is as long as the bytes given: the cluster's block size, a power of two from 1 KiB to 32 KiB.
 */
export const defaultPageBytes = 8192;

/**
 * - `valid`: checksum and header are right;
 * - `new`: all bytes zero, a page that was allocated and never written, which is legal;
 * - `bad-checksum`: the stored checksum is not the page's;
 * - `bad-header`: the checksum is right (or not asked for) but the header contradicts itself, or the page says that
 *   it is new and is not zero.
 */
export type PageState = 'valid' | 'new' | 'bad-checksum' | 'bad-header';

const laneCount = 32;
const fnvPrime = 16777619;
const knownFlags = 0x0007;

/** Start value of each of the 32 interleaved hashes. Fixed by the format. */
const laneSeeds = Uint32Array.of(
  0x5b1f36e9,
  0xb8525960,
  0x02ab50aa,
  0x1de66d2a,
  0x79ff467a,
  0x9bb9f8a3,
  0x217e7cd2,
  0x83e13d2c,
  0xf8d4474f,
  0xe39eb970,
  0x42c6ae16,
  0x993216fa,
  0x7b093b5d,
  0x98daff3c,
  0xf718902a,
  0x0b1c9cdb,
  0xe58f764b,
  0x187636bc,
  0x5d7b3bb1,
  0xe73de7de,
  0x92bec979,
  0xcca6c0b2,
  0x304a0979,
  0x85aa43d4,
  0x783125bb,
  0x6ca8eaa2,
  0xe407eac6,
  0x4b5cfc3e,
  0x9fbf8c76,
  0x15ca20be,
  0xf2ca9fd3,
  0x959bd756,
);

/** LSN of the last WAL record that changed this page. Meaningless in free space maps and unlogged relations. */
export function pageLsn(page: Uint8Array): Lsn {
  const view = viewOf(page);
  return toLsn((BigInt(view.getUint32(0, true)) << 32n) | BigInt(view.getUint32(4, true)));
}

/** PostgreSQL's PageIsNew: `upper` is zero. Such a page has no checksum; it should be all zero. */
export function isNewPage(page: Uint8Array): boolean {
  return viewOf(page).getUint16(14, true) === 0;
}

/** The checksum that is written on the page. Zero where checksums are off, and on new pages. */
export function storedPageChecksum(page: Uint8Array): number {
  return viewOf(page).getUint16(8, true);
}

/**
 * The checksum that the page should carry, 1 to 65535. `block` counts from the start of the relation, not of its
 * segment file (an unsigned 32-bit number), so that a page in the wrong place is noticed.
 */
export function pageChecksum(page: Uint8Array, block: number): number {
  const view = viewOf(page);
  const lanes = laneSeeds.slice();
  for (let offset = 0; offset < page.byteLength; offset += 4) {
    const word = view.getUint32(offset, true);
    mix(lanes, (offset >> 2) % laneCount, offset === 8 ? word & 0xffff0000 : word);
  }
  let folded = block;
  for (let lane = 0; lane < laneCount; lane++) {
    mix(lanes, lane, 0);
    mix(lanes, lane, 0);
    folded ^= lanes[lane] as number;
  }
  return ((folded >>> 0) % 65535) + 1;
}

/**
 * What PostgreSQL would say on reading this page (PageIsVerified). `checksums` tells whether the cluster has data
 * checksums; without them only the header can be judged. While a backup runs, a page whose LSN is at or after the
 * backup's start may be torn: the caller does not hold a bad state of such a page against it.
 */
export function inspectPage(page: Uint8Array, block: number, checksums: boolean): PageState {
  if (isNewPage(page)) return page.every((byte) => byte === 0) ? 'new' : 'bad-header';
  if (checksums && storedPageChecksum(page) !== pageChecksum(page, block)) return 'bad-checksum';
  return hasSaneHeader(page) ? 'valid' : 'bad-header';
}

function hasSaneHeader(page: Uint8Array): boolean {
  const view = viewOf(page);
  const lower = view.getUint16(12, true);
  const upper = view.getUint16(14, true);
  const special = view.getUint16(16, true);
  return (
    (view.getUint16(10, true) & ~knownFlags) === 0 &&
    lower <= upper &&
    upper <= special &&
    special <= page.byteLength &&
    special % 8 === 0
  );
}

function mix(lanes: Uint32Array, lane: number, word: number): void {
  const mixed = ((lanes[lane] as number) ^ word) >>> 0;
  lanes[lane] = Math.imul(mixed, fnvPrime) ^ (mixed >>> 17);
}

function viewOf(page: Uint8Array): DataView {
  return new DataView(page.buffer, page.byteOffset, page.byteLength);
}
