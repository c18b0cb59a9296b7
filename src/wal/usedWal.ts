import { parseWalPageHeader } from '../postgres/walPage.ts';

const pageBytes = 8192;
const recordAlignment = 8;

/**
 * The part of a segment file that holds WAL: up to the first page that was never written (a recycled file still has its
 * old pages, which tell other addresses), without the zeros behind the last record. The segment is one that
 * `checkWalSegment` accepts.
 */
export function usedWal(segment: Buffer): Buffer {
  const first = parseWalPageHeader(segment);
  let end = 0;
  for (; end < segment.length; end += pageBytes) {
    const header = parseWalPageHeader(segment.subarray(end));
    if (header?.magic !== first?.magic || header?.address !== (first?.address ?? 0n) + BigInt(end)) break;
  }
  while (end > 0 && segment[end - 1] === 0) end--;
  return segment.subarray(0, Math.min(segment.length, Math.ceil(end / recordAlignment) * recordAlignment));
}
