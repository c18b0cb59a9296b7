import { OperationError } from '../../base/errors.ts';
import type { PhysicalRecord } from '../physicalRecord.ts';

const defaultChunkBytes = 64 * 1024;
const largeChunkBytes = 256 * 1024;
/** From here on 64 KiB chunks would need more memory in stock clients than a machine may have (60 bytes a blob). */
const largeClusterBytes = 1024 ** 4;

/**
 * Chunk size of a backup: what was asked for, else the parent's (another size would store everything again), else by
 * the size of the cluster (docs/decisions/0002).
 */
export function chooseChunkBytes(
  asked: number | undefined,
  parent: PhysicalRecord | undefined,
  clusterBytes: number,
): number {
  if (asked === undefined)
    return parent?.chunkBytes ?? (clusterBytes >= largeClusterBytes ? largeChunkBytes : defaultChunkBytes);
  if (asked < defaultChunkBytes || asked > 8 * 1024 * 1024 || Math.log2(asked) % 1 !== 0) {
    throw new OperationError('usage', `chunks of ${asked} bytes are not possible`, {
      hint: 'give a power of two from 64 KiB to 8 MiB',
    });
  }
  return asked;
}
