import type { KernelHost } from '../../base/workerPool.ts';
import type { BlobTable } from '../blobTable.ts';
import type { PackWriter } from '../pack/packWriter.ts';

/** Progress counters of the store kernel. */
export const counterRawBytes = 0;
export const counterChunks = 1;
export const counterReusedBytes = 2;

/** What the loops over ranges, files and buffers share: one thread's table, writer and progress. */
export interface StoreState {
  readonly table: BlobTable;
  readonly writer: PackWriter;
  readonly host: KernelHost;
  readonly polynomial: bigint;
}
