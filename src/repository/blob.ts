/** A blob is a chunk of file content or one directory's tree; equal ids of different types are different blobs. */
export type BlobType = 'data' | 'tree';

/** Largest plaintext we write as one blob; restic's own chunks are at most 8 MiB, trees may be larger. */
export const maxBlobBytes = 512 * 1024 * 1024;
