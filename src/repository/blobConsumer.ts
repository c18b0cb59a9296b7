import type { KernelHost } from '../base/workerPool.ts';
import type { SharedBlobTable } from './blobTable.ts';

/**
 * What is done with blobs that worker threads read: a module, loaded in each thread, that takes each blob as soon as
 * its hash is verified. "Wants" are the numbers of the places in the caller's list at which a blob occurs (see
 * ReadPlan).
 */
export interface BlobConsumer {
  /** A promise when there is room for another blob only once it has resolved. */
  ready(): Promise<void> | undefined;
  /** Where the next blob's plaintext shall be put: exactly `length` bytes. It is first wanted at `want`. */
  room(want: number, length: number): Buffer;
  /** Takes over the bytes in the room just given. */
  accept(wants: Uint32Array): void;
  /** The blob cannot be had; the room just given, if there was one, holds nothing of value. */
  refuse(wants: Uint32Array): void;
  /** All blobs of one job have come. */
  endJob(): void;
  /** Runs a task of the consumer's own, sent by `Download.runInThreads` to every consumer. */
  run(task: unknown): Promise<unknown>;
}

/** Names a consumer module, and what its `createConsumer` gets. */
export interface ConsumerReference {
  readonly module: string;
  /** Structured-cloneable. */
  readonly options: unknown;
}

export interface ConsumerModule {
  createConsumer(options: never, host: KernelHost): BlobConsumer | Promise<BlobConsumer>;
}

/**
 * Blobs to read, sorted by where they are. A want is a number below `entries.length`; several wants may name the same
 * blob, which is then read once. All arrays are shared by the threads.
 */
export interface ReadPlan {
  readonly table: SharedBlobTable;
  /** Per want: number of its blob's entry in the table. */
  readonly entries: Uint32Array;
  /** The wants that are to be read, by pack and offset. */
  readonly order: Uint32Array;
  /** Ids of the packs that occur. */
  readonly packIds: readonly string[];
  /** Per job: position of its pack in `packIds`, first and end position in `order`. */
  readonly jobs: Uint32Array;
  /** Index of the next job to take. */
  readonly next: Int32Array;
}

/** Where in `jobs` the numbers of a job are. */
export const jobWords = 3;

/** One thing that is wrong with the repository. */
export interface BlobProblem {
  /** Object name, as the backend has it. */
  readonly object: string;
  /** Id of the blob in hex; left out when the problem concerns the whole object. */
  readonly blob?: string;
  /** What is wrong, to be shown behind the object's name and a colon: `it is missing`. */
  readonly problem: string;
}
