import { hash } from 'node:crypto';
import { idWords } from '../blobTable.ts';
import { counterChunks, counterRawBytes, counterReusedBytes, type StoreState } from './storeKernel.ts';

const zeroPage = Buffer.alloc(1024 * 1024);
const zeroIds = new Map<number, Buffer>();
const words = new Uint32Array(8);

/**
 * Stores one chunk unless it is already there: hash, claim, and if the claim is ours compress, seal and write it.
 * Writes the 32-byte id to `ids[at]`. Returns a promise only when the thread must wait for storage.
 */
export function storeChunk(
  state: StoreState,
  chunk: Buffer,
  target: { ids: Uint8Array; at: number },
): Promise<void> | undefined {
  const id = chunkId(chunk);
  target.ids.set(id, target.at);
  countChunk(state, chunk.length);
  const entry = state.table.claim(idWords(id, words));
  if (entry >= 0) return state.writer.add(entry, chunk);
  state.host.counters[counterReusedBytes]! += chunk.length;
  return undefined;
}

/** SHA-256 of a chunk; a chunk of zeros is recognised at memory speed. */
export function chunkId(chunk: Buffer): Buffer {
  if (chunk.length > zeroPage.length || !chunk.equals(zeroPage.subarray(0, chunk.length))) {
    return hash('sha256', chunk, 'buffer');
  }
  let id = zeroIds.get(chunk.length);
  if (id === undefined) {
    id = hash('sha256', chunk, 'buffer');
    zeroIds.set(chunk.length, id);
  }
  return id;
}

export function countChunk(state: StoreState, bytes: number): void {
  state.host.counters[counterRawBytes]! += bytes;
  state.host.counters[counterChunks]! += 1;
}
