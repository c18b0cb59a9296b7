/**
 * A source's own way to prove, faster than by hashing, that a chunk of an existing file is what it shall be: a module,
 * loaded in each worker thread, with a function for chunks and a proof for each file that has one.
 */
export interface QuickEqualReference {
  /** URL of a module with `createQuickEqual`. */
  readonly module: string;
  /** Structured-cloneable. */
  readonly options: unknown;
  /** What the function gets for a file: by path relative to the destination, latin1 text; undefined = hash it. */
  readonly proofOf: (path: string) => unknown;
}

export interface ExistingChunk {
  /** Number of the chunk in its file. */
  readonly index: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** True only when the bytes are proved right; false when only hashing can tell. */
export type QuickEqual = (proof: never, chunk: ExistingChunk) => boolean;

export interface QuickEqualModule {
  createQuickEqual(options: never): QuickEqual;
}
