import { crc32c } from '@node-rs/crc32';
import { storeChunk } from './storeChunk.ts';
import type { StoreState } from './storeState.ts';

/** Bytes that arrive from elsewhere (a replication stream), to be stored in chunks of a fixed size. */
export interface BufferTask {
  /** Shared memory that the caller does not touch until the task is done. */
  readonly bytes: SharedArrayBuffer;
  /** Chunks to store: offset and length of each. */
  readonly pieces: Uint32Array;
}

export interface BufferResult {
  /** 32 bytes a piece. */
  readonly ids: Uint8Array;
  readonly crcs: Uint32Array;
}

/** Stores the pieces of one buffer; resolves with their ids and CRC-32Cs, in order. */
export async function storeBuffer(state: StoreState, task: BufferTask): Promise<BufferResult> {
  const buffer = Buffer.from(task.bytes);
  const count = task.pieces.length / 2;
  const ids = new Uint8Array(count * 32);
  const crcs = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const at = task.pieces[index * 2]!;
    const chunk = buffer.subarray(at, at + task.pieces[index * 2 + 1]!);
    crcs[index] = crc32c(chunk);
    const wait = storeChunk(state, chunk, { ids, at: index * 32 });
    if (wait !== undefined) await wait;
  }
  return { ids, crcs };
}
