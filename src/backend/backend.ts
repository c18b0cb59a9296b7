import type { Context } from '../base/context.ts';

/**
 * Object storage, as little of it as a repository needs. Objects are written whole, once, under path-like names
 * (`config`, `data/ab/abcd...`, `wal/<system identifier>/<timeline>/<segment>`), and read whole or by range.
 *
 * The contract, which `contractSuite.ts` puts every driver and decorator through:
 * - `put` resolves only when the object is durable and visible under its name with all its bytes, and replaces an
 *   object of that name as a whole; a failed `put` leaves nothing new under the name, one cut short by the death of the
 *   process either nothing or all of it (torn temporary files are invisible to `list`).
 * - `put` with `ifAbsent` succeeds for one of several simultaneous writers and throws `object-exists` for the others.
 * - `get`, `stat` and `delete` of an absent object: `object-missing`, undefined, and success. Absence is told only when it
 *   is sure: storage that does not answer, or is no longer the one that was opened, is `backend-unavailable`.
 * - `delete` is durable, except below `data/`, where an object may come back after a power cut.
 * - `list` yields every object whose name begins with `prefix` that existed during the whole call; a prefix that does
 *   not exist is an empty listing. Temporary names never appear.
 * - names have components of letters, digits, `_`, `.` and `-` (`objectName.ts`); any other name is a bug of the
 *   caller.
 * - errors are OperationErrors with the codes `backend-*` and `object-*`; after abort no byte reaches storage.
 */
export interface Backend {
  /** For people: `local:/srv/backup`. Never carries a secret. */
  readonly location: string;
  /**
   * Directory of the objects when they are plain files of this machine, else undefined. Workers then read and write
   * packs there themselves, with the same temporary name, fsync, rename discipline as `put`.
   */
  readonly localDirectory: string | undefined;
  put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options?: PutOptions): Promise<void>;
  get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer>;
  stat(ctx: Context, name: string): Promise<ObjectStat | undefined>;
  list(ctx: Context, prefix: string): AsyncIterable<ObjectStat>;
  delete(ctx: Context, name: string): Promise<void>;
  close(): Promise<void>;
}

export interface PutOptions {
  readonly ifAbsent?: boolean;
}

/** `offset` from the start; a negative `offset` counts from the end. Reading past the end is `object-missing`'s kin: `repository-damaged`. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ObjectStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** When it was put, as far as a listing tells. */
  readonly modifiedAt?: Date;
}
