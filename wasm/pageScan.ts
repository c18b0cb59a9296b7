/**
 * AssemblyScript: inspects PostgreSQL pages in the imported memory. Its face is src/postgres/pageScan.ts.
 *
 * The page layout is PageHeaderData of PostgreSQL's bufpage.h: pd_lsn (two 32-bit halves, the high one first)
 * at 0, pd_checksum 8, pd_flags 10, pd_lower 12, pd_upper 14, pd_special 16.
 * The checksum is pg_checksum_page() of checksum_impl.h: 32 interleaved FNV-1a sums, eight vectors of four here.
 */

// One status byte a page; the names are repeated in src/postgres/pageScan.ts.
const NEW: u32 = 1;
const BAD: u32 = 2;
const INVALID: u32 = 4;
const CHANGED: u32 = 8;

const VALID_FLAGS: u32 = 0x0007;
const ROW_BYTES: u32 = 128;

/** The highest LSN among the pages with a valid header that the last `scan` saw. */
export let maxLsn: u64 = 0;

/**
 * Inspects `pages` pages from `data` on and writes one status byte for each at `statuses`.
 * `firstBlock` is the block number of the first page in its relation. `startLsn`: pages below it are verified
 * (0: none is). `sinceLsn`: pages at or above it count as changed. Returns the union of all status bytes.
 */
export function scan(
  data: u32,
  pages: u32,
  pageBytes: u32,
  statuses: u32,
  firstBlock: u32,
  startLsn: u64,
  sinceLsn: u64,
): u32 {
  let union: u32 = 0;
  maxLsn = 0;
  for (let i: u32 = 0; i < pages; i++) {
    const page = data + i * pageBytes;
    const status = inspect(page, pageBytes, firstBlock + i, startLsn, sinceLsn);
    store<u8>(statuses + i, status);
    union |= status;
  }
  return union;
}

function inspect(page: u32, pageBytes: u32, block: u32, startLsn: u64, sinceLsn: u64): u32 {
  if (load<u16>(page, 14) == 0) return isZero(page, pageBytes) ? NEW | CHANGED : BAD | CHANGED;
  const lsn = ((<u64>load<u32>(page)) << 32) | load<u32>(page, 4);
  let status: u32 = lsn >= sinceLsn ? CHANGED : 0;
  if (!isHeaderValid(page, pageBytes)) status |= INVALID | CHANGED;
  else if (lsn > maxLsn) maxLsn = lsn;
  if (lsn < startLsn && checksum(page, pageBytes, block) != load<u16>(page, 8)) status |= BAD | CHANGED;
  return status;
}

/** The header checks of PageIsVerified() in bufpage.c. */
function isHeaderValid(page: u32, pageBytes: u32): bool {
  const flags: u32 = load<u16>(page, 10);
  const lower: u32 = load<u16>(page, 12);
  const upper: u32 = load<u16>(page, 14);
  const special: u32 = load<u16>(page, 16);
  return (
    (flags & ~VALID_FLAGS) == 0 && lower <= upper && upper <= special && special <= pageBytes && (special & 7) == 0
  );
}

function isZero(page: u32, pageBytes: u32): bool {
  const end = page + pageBytes;
  for (let row = page; row < end; row += ROW_BYTES) {
    const a = v128.or(v128.or(v128.load(row), v128.load(row, 16)), v128.or(v128.load(row, 32), v128.load(row, 48)));
    const b = v128.or(
      v128.or(v128.load(row, 64), v128.load(row, 80)),
      v128.or(v128.load(row, 96), v128.load(row, 112)),
    );
    if (v128.any_true(v128.or(a, b))) return false;
  }
  return true;
}

/** One round of four sums: mixed = sum ^ value; mixed * FNV prime ^ (mixed >> 17). */
function mix(sum: v128, value: v128): v128 {
  const mixed = v128.xor(sum, value);
  return v128.xor(i32x4.mul(mixed, i32x4.splat(16777619)), i32x4.shr_u(mixed, 17));
}

function checksum(page: u32, pageBytes: u32, block: u32): u32 {
  // The first row is peeled off: pd_checksum itself counts as zero.
  const first = v128.and(v128.load(page), i32x4(-1, -1, 0xffff0000, -1));
  let s0 = mix(i32x4(0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a), first);
  let s1 = mix(i32x4(0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c), v128.load(page, 16));
  let s2 = mix(i32x4(0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa), v128.load(page, 32));
  let s3 = mix(i32x4(0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb), v128.load(page, 48));
  let s4 = mix(i32x4(0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de), v128.load(page, 64));
  let s5 = mix(i32x4(0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4), v128.load(page, 80));
  let s6 = mix(i32x4(0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e), v128.load(page, 96));
  let s7 = mix(i32x4(0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756), v128.load(page, 112));
  const end = page + pageBytes;
  for (let row = page + ROW_BYTES; row < end; row += ROW_BYTES) {
    s0 = mix(s0, v128.load(row));
    s1 = mix(s1, v128.load(row, 16));
    s2 = mix(s2, v128.load(row, 32));
    s3 = mix(s3, v128.load(row, 48));
    s4 = mix(s4, v128.load(row, 64));
    s5 = mix(s5, v128.load(row, 80));
    s6 = mix(s6, v128.load(row, 96));
    s7 = mix(s7, v128.load(row, 112));
  }
  const low = v128.xor(v128.xor(finish(s0), finish(s1)), v128.xor(finish(s2), finish(s3)));
  const high = v128.xor(v128.xor(finish(s4), finish(s5)), v128.xor(finish(s6), finish(s7)));
  const sums = v128.xor(low, high);
  const folded: u32 =
    i32x4.extract_lane(sums, 0) ^
    i32x4.extract_lane(sums, 1) ^
    i32x4.extract_lane(sums, 2) ^
    i32x4.extract_lane(sums, 3);
  return ((folded ^ block) % 65535) + 1;
}

/** Two rounds of zeroes, so that the last row is mixed as well as the others. */
function finish(sum: v128): v128 {
  const zero = i32x4.splat(0);
  return mix(mix(sum, zero), zero);
}
