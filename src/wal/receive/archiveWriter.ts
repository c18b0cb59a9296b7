import type { Context } from '../../base/context.ts';
import { isOperationError, type OperationError } from '../../base/errors.ts';
import { WorkerPool, moduleUrl } from '../../base/workerPool.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { WalFileName } from '../../postgres/walFileName.ts';
import { exportMasterKey } from '../../repository/sealedObject.ts';
import type { Repository } from '../../repository/repository.ts';
import type { PutOutcome } from '../walArchive.ts';
import { persistently, type Troubles } from './persistence.ts';
import type { SegmentBuffer } from './segmentBuffer.ts';
import { sealedBound, type ArchiveKernelInit, type ArchiveTask, type SealedSegment } from './worker/archiveKernel.ts';
import { valueOf, type TaskResult } from './worker/taskResult.ts';

export interface ArchiveWriterOptions {
  readonly repository: Repository;
  readonly threads: number;
  readonly troubles: Troubles;
}

/**
 * Brings received WAL into the repository, through worker threads where it is a local directory. While the repository
 * does not take anything (full, away, read-only) the calls wait and try again, until `ctx.signal` aborts; they throw
 * what no waiting can mend: `wal-conflict`, `wal-invalid`, `cluster-mismatch`, `repository-damaged`.
 */
export class ArchiveWriter implements AsyncDisposable {
  readonly #ctx: Context;
  readonly #pool: WorkerPool;
  readonly #troubles: Troubles;
  readonly #targets: SharedArrayBuffer[] = [];
  /** Segments become visible one after the other, in the order in which they were handed over. */
  #lastStored: Promise<unknown> = Promise.resolve();

  private constructor(ctx: Context, pool: WorkerPool, troubles: Troubles) {
    this.#ctx = ctx;
    this.#pool = pool;
    this.#troubles = troubles;
  }

  static async open(ctx: Context, options: ArchiveWriterOptions): Promise<ArchiveWriter> {
    const { repository, threads, troubles } = options;
    const { localDirectory } = repository.backend;
    const init: ArchiveKernelInit = {
      masterKey: exportMasterKey(repository),
      storage: localDirectory === undefined ? { backend: repository.backend, ctx } : { directory: localDirectory },
    };
    const pool = await WorkerPool.open({
      module: moduleUrl('./worker/archiveKernel', import.meta),
      threads: localDirectory === undefined ? 0 : threads,
      init,
      signal: ctx.signal,
    });
    return new ArchiveWriter(ctx, pool, troubles);
  }

  /** Says of which cluster the WAL is; before anything is stored. */
  async serve(systemIdentifier: SystemIdentifier): Promise<void> {
    await this.#pool.runOnAll({ kind: 'serve', systemIdentifier } satisfies ArchiveTask);
  }

  /**
   * Stores a whole segment; resolves when it is durable. To be called in the order of the segments, without waiting.
   * `partial` is the storing of its unfinished version, if that is under way: it must not come after the whole one.
   */
  async storeSegment(buffer: SegmentBuffer, partial?: Promise<void>): Promise<PutOutcome> {
    const { name: segment, memory } = buffer;
    const needed = sealedBound(memory.byteLength);
    const spare = this.#targets.pop();
    const target = spare?.byteLength === needed ? spare : new SharedArrayBuffer(needed);
    const sealing = this.#run<SealedSegment>({ kind: 'seal', segment, memory, target });
    const stored = Promise.all([sealing, this.#lastStored, partial?.catch(() => undefined)]).then(([sealed]) =>
      this.#persist<PutOutcome>({ kind: 'store', segment, memory, target, ...sealed }),
    );
    this.#lastStored = stored;
    stored.catch(() => undefined); // told to the caller; those behind fail with it
    const outcome = await stored;
    this.#targets.push(target);
    return outcome;
  }

  /** Stores the first `length` bytes of an unfinished segment. */
  storePartial({ name: segment, memory }: SegmentBuffer, length: number): Promise<PutOutcome> {
    return this.#persist({ kind: 'partial', segment, memory, length });
  }

  /** Stores a small file. */
  storeFile(file: WalFileName, content: Uint8Array): Promise<PutOutcome> {
    return this.#persist({ kind: 'put', file, content });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  #persist<T>(task: ArchiveTask): Promise<T> {
    return persistently(this.#ctx, () => this.#run<T>(task), {
      name: 'repository',
      troubles: this.#troubles,
      mayPass: repositoryMayRecover,
    });
  }

  async #run<T>(task: ArchiveTask): Promise<T> {
    this.#ctx.signal.throwIfAborted();
    return valueOf(await this.#pool.runOnAny<TaskResult<T>>(task));
  }
}

function repositoryMayRecover(error: unknown): error is OperationError {
  return isOperationError(error, 'backend-full', 'backend-unavailable', 'backend-io', 'backend-denied');
}
