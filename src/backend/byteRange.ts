import { assert } from '../base/errors.ts';
import type { ByteRange } from './backend.ts';
import { tooShort } from './objectErrors.ts';

/**
 * Places a range in an object of `sizeBytes`: `offset` becomes the distance from the start; without a range, all of it.
 * Throws `repository-damaged` when the object is too short: whoever asks knows from elsewhere that the bytes must be
 * there.
 */
export function placeRange(name: string, sizeBytes: number, range: ByteRange | undefined): ByteRange {
  if (range === undefined) return { offset: 0, length: sizeBytes };
  const { offset, length } = range;
  assert(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && length >= 0, 'a byte range is of whole bytes');
  const start = offset < 0 ? sizeBytes + offset : offset;
  if (start < 0 || start + length > sizeBytes) throw tooShort(name, sizeBytes, range);
  return { offset: start, length };
}
