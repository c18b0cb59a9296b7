/**
 * How a source's own knowledge gets into the data plane's inner loop: a module, loaded in each worker thread, that sees
 * every piece before it is hashed. The repository does not know what it looks for (PostgreSQL's page checksums, say).
 */
export interface RangeInspector {
  /** Where pieces are read into: at least `pieceBytes`. */
  readonly buffer: Buffer;
  /**
   * Looks at a piece that lies at the start of `buffer`; it may correct it (re-read a torn page). Returns, for each
   * chunk of the piece, 1 when the chunk is proved equal to what the plan already knows for it; undefined for none.
   */
  inspect(piece: Piece): Uint8Array | undefined;
  /** Findings, structured-cloneable; collected once at the end of the task. */
  report(): unknown;
}

export interface Piece {
  /** Number of the file in the plan, and what the plan says about it. */
  readonly file: number;
  readonly tag: number;
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
  readonly chunkBytes: number;
}

export interface InspectorModule {
  createInspector(options: never, pieceBytes: number): RangeInspector | Promise<RangeInspector>;
}
