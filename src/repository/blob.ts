/** A blob is a chunk of file content or one directory's tree; equal ids of different types are different blobs. */
export type BlobType = 'data' | 'tree';
