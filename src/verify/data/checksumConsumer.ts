import { crc32c } from '../../postgres/crc32c.ts';
import type { BlobConsumer } from '../../repository/blobConsumer.ts';

/** What the threads report about each want, in memory that they share. */
export interface ChecksumOptions {
  /** CRC-32C of the blob. */
  readonly crcs: Uint32Array;
  /** 1 once the blob was read and found good. */
  readonly good: Uint8Array;
}

/** Entry in a worker thread: blobs are good when they come here; what they hold is summed up and forgotten. */
export function createConsumer({ crcs, good }: ChecksumOptions): BlobConsumer {
  let buffer = Buffer.alloc(0);
  let length = 0;
  return {
    ready: () => undefined,
    room: (_want, bytes) => {
      if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(bytes);
      length = bytes;
      return buffer.subarray(0, bytes);
    },
    accept: (wants) => {
      const crc = crc32c(buffer.subarray(0, length));
      for (const want of wants) {
        crcs[want] = crc;
        good[want] = 1;
      }
    },
    refuse: () => undefined,
    endJob: () => undefined,
    run: () => Promise.resolve(),
  };
}
