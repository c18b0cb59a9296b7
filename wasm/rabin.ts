/**
 * AssemblyScript: restic's content-defined chunker. Its face is src/repository/chunker.ts.
 *
 * The digest after a byte is the last 64 bytes, read as a polynomial over GF(2), modulo the repository's
 * polynomial of degree 53. restic skips the first `minBytes - 64` bytes of a chunk, so every digest it tests is
 * a function of 64 bytes of that chunk alone. Nothing rolls from call to call, and four stretches can roll at once,
 * which hides the latency of the table look-ups.
 */

// Memory map below the arena; the addresses of the tables are repeated in src/repository/chunker.ts.
const OUT_TABLE: usize = 1024; // 256 u64: byte * x^512 mod P
const MOD_TABLE: usize = 3072; // 256 u64: byte * x^53 mod P, and the bits byte << 53 that it clears
const SEAM: usize = 5120; // the last 64 bytes of the previous call, then room for the first 63 of this one

const WINDOW: u32 = 64;
const TOP_SHIFT: u64 = 45;
const LANE_BYTES: u32 = 8192;

let minBytes: u32 = 0;
let maxBytes: u32 = 0;
let splitMask: u64 = 0;

/** Bytes of the current chunk that were fed so far. */
export let pendingBytes: u32 = 0;

export function configure(min: u32, max: u32, averageBits: u32): void {
  minBytes = min;
  maxBytes = max;
  splitMask = (1 << (<u64>averageBits)) - 1;
  pendingBytes = 0;
}

/** Forgets the current chunk. */
export function reset(): void {
  pendingBytes = 0;
}

/** Feeds the bytes from `start` to `end`. Returns the address after the first cut, or 0 when there is none. */
export function nextCut(start: u32, end: u32): u32 {
  const length = end - start;
  const last = min<u32>(length, maxBytes - pendingBytes);
  let first: u32 = pendingBytes < minBytes ? minBytes - pendingBytes : 1;
  let cut: u32 = 0;
  if (first < WINDOW && first <= last) {
    const seamed = min<u32>(WINDOW - 1, last);
    memory.copy(SEAM + WINDOW, start, seamed);
    const seam = <u32>SEAM + WINDOW;
    const found = findCut(seam + first - 1, seam + seamed);
    if (found != 0) cut = found - seam + start;
    first = seamed + 1;
  }
  if (cut == 0 && first <= last) cut = findCut(start + first - 1, start + last);
  if (cut == 0 && last == maxBytes - pendingBytes) cut = start + last;
  if (cut != 0) {
    pendingBytes = 0;
    return cut;
  }
  pendingBytes += length;
  remember(start, length);
  return 0;
}

function remember(start: u32, length: u32): void {
  const taken = min<u32>(length, WINDOW);
  memory.copy(SEAM, SEAM + taken, WINDOW - taken);
  memory.copy(SEAM + WINDOW - taken, start + length - taken, taken);
}

/** The address after the first byte in `[from, end)` whose digest cuts, or 0. Reads the 64 bytes before `from` too. */
function findCut(from: u32, end: u32): u32 {
  let at = from;
  for (; at + 4 * LANE_BYTES <= end; at += 4 * LANE_BYTES) {
    const cut = findCutInLanes(at);
    if (cut != 0) return cut;
  }
  return at < end ? findCutInLane(at, end, digestBefore(at)) : 0;
}

/** As `findCut` over four stretches of `LANE_BYTES` at once. */
function findCutInLanes(from: u32): u32 {
  let d0 = digestBefore(from);
  let d1 = digestBefore(from + LANE_BYTES);
  let d2 = digestBefore(from + 2 * LANE_BYTES);
  let d3 = digestBefore(from + 3 * LANE_BYTES);
  const end = from + LANE_BYTES;
  const mask = splitMask;
  for (let at = from; at < end; at++) {
    d0 = roll(d0, load<u8>(at), load<u8>(at - WINDOW));
    d1 = roll(d1, load<u8>(at, 1 * LANE_BYTES), load<u8>(at - WINDOW, 1 * LANE_BYTES));
    d2 = roll(d2, load<u8>(at, 2 * LANE_BYTES), load<u8>(at - WINDOW, 2 * LANE_BYTES));
    d3 = roll(d3, load<u8>(at, 3 * LANE_BYTES), load<u8>(at - WINDOW, 3 * LANE_BYTES));
    if ((d0 & mask) == 0) return at + 1;
    if ((d1 & mask) == 0 || (d2 & mask) == 0 || (d3 & mask) == 0) {
      // An earlier stretch may still cut before this one.
      const next = at + 1;
      let cut = findCutInLane(next, end, d0);
      if (cut == 0) cut = resume(next, end, 1, d1);
      if (cut == 0) cut = resume(next, end, 2, d2);
      return cut == 0 ? next + 3 * LANE_BYTES : cut;
    }
  }
  return 0;
}

/** Goes on in one stretch after the byte whose digest is `digest`, which itself may cut. */
function resume(next: u32, end: u32, lane: u32, digest: u64): u32 {
  const shift = lane * LANE_BYTES;
  if ((digest & splitMask) == 0) return next + shift;
  return findCutInLane(next + shift, end + shift, digest);
}

function findCutInLane(from: u32, end: u32, before: u64): u32 {
  let digest = before;
  for (let at = from; at < end; at++) {
    digest = roll(digest, load<u8>(at), load<u8>(at - WINDOW));
    if ((digest & splitMask) == 0) return at + 1;
  }
  return 0;
}

/** The digest of the 64 bytes before `at`; the next `roll` takes the first of them out again, whatever it was. */
function digestBefore(at: u32): u64 {
  let digest: u64 = 0;
  for (let i = at - WINDOW; i < at; i++) digest = roll(digest, load<u8>(i), 0);
  return digest;
}

function roll(digest: u64, entering: u8, leaving: u8): u64 {
  const top = <u32>(digest >> TOP_SHIFT);
  return (
    ((digest << 8) | entering) ^ load<u64>((<usize>leaving) << 3, OUT_TABLE) ^ load<u64>((<usize>top) << 3, MOD_TABLE)
  );
}
