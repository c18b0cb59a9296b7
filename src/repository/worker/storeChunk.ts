import { idWords } from '../blobTable.ts';
import { chunkId } from './chunkId.ts';
import { counterChunks, counterRawBytes, counterReusedBytes, type StoreState } from './storeState.ts';

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

export function countChunk(state: StoreState, bytes: number): void {
  state.host.counters[counterRawBytes]! += bytes;
  state.host.counters[counterChunks]! += 1;
}
