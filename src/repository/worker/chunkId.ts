import { hash } from 'node:crypto';

const zeroPage = Buffer.alloc(1024 * 1024);
const zeroIds = new Map<number, Buffer>();

/** SHA-256 of a chunk; a chunk of zeros is recognised at memory speed. */
export function chunkId(chunk: Buffer): Buffer {
  if (!isZeros(chunk)) return hash('sha256', chunk, 'buffer');
  let id = zeroIds.get(chunk.length);
  if (id === undefined) {
    id = hash('sha256', chunk, 'buffer');
    zeroIds.set(chunk.length, id);
  }
  return id;
}

/** True for a chunk of nothing but zeros; false also for one that is too large to tell quickly. */
export function isZeros(chunk: Buffer): boolean {
  return chunk.length <= zeroPage.length && chunk.equals(zeroPage.subarray(0, chunk.length));
}
