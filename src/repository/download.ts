import type { Context } from '../base/context.ts';
import { WorkerPool, defaultThreadCount, moduleUrl } from '../base/workerPool.ts';
import type { BlobProblem, ConsumerReference, ReadPlan } from './blobConsumer.ts';
import { masterKeyToBytes } from './crypto/masterKey.ts';
import type { Repository } from './repository.ts';
import type { ReadKernelInit, ReadTask } from './worker/readKernel.ts';
import { counterRawBytes, counterSealedBytes } from './worker/readLane.ts';
import type { VerifyPlan } from './worker/verifyJobs.ts';

export type { RepositoryIndex } from './index/repositoryIndex.ts';

export interface DownloadOptions {
  /** Worker threads; default one a core; 0 works in this thread. */
  readonly threads?: number;
  /** What takes the blobs; none is needed to verify packs. */
  readonly consumer?: ConsumerReference;
}

/**
 * Worker threads that read packs: each blob is read once, authenticated, decompressed, its hash verified, and handed to
 * a consumer in the same thread. The threads start at once, while the caller still plans.
 */
export class Download implements AsyncDisposable {
  readonly #pool: Promise<WorkerPool>;

  constructor(ctx: Context, repository: Repository, options: DownloadOptions = {}) {
    const { backend, masterKey } = repository;
    const local = backend.localDirectory;
    const init: ReadKernelInit = {
      masterKey: masterKeyToBytes(masterKey),
      storage: local === undefined ? { backend, ctx } : { directory: local },
      ...(options.consumer === undefined ? {} : { consumer: options.consumer }),
    };
    this.#pool = WorkerPool.open({
      module: moduleUrl('./worker/readKernel', import.meta),
      threads: local === undefined ? 0 : (options.threads ?? defaultThreadCount()),
      init,
      signal: ctx.signal,
    });
    this.#pool.catch(() => undefined); // whoever uses the threads sees the error
  }

  /** Reads what a plan wants. Resolves with the blobs that cannot be had; the consumer was told of each. */
  async readBlobs(plan: ReadPlan): Promise<BlobProblem[]> {
    const pool = await this.#pool;
    const found = (await pool.runOnAll<BlobProblem[]>({ kind: 'read', plan } satisfies ReadTask)).flat();
    // each job says that its pack is missing
    return [...new Map(found.map((problem) => [`${problem.object} ${problem.blob}`, problem])).values()];
  }

  /** Verifies packs; see verifyPacks.ts. */
  async verify(plan: VerifyPlan): Promise<BlobProblem[]> {
    const pool = await this.#pool;
    return (await pool.runOnAll<BlobProblem[]>({ kind: 'verify', plan } satisfies ReadTask)).flat();
  }

  /** Has every consumer run a task; all get the same. There is one a thread, and several over remote storage. */
  async runInThreads<R>(task: unknown): Promise<R[]> {
    const pool = await this.#pool;
    const results = await pool.runOnAll<readonly R[]>({ kind: 'consumer', task } satisfies ReadTask);
    return results.flatMap((ofThread) => [...ofThread]);
  }

  /** Sum over all consumers of a progress counter of their own. */
  async counter(index: number): Promise<number> {
    return (await this.#pool).counter(index);
  }

  /** Plaintext bytes that consumers got so far, and what was read for them. */
  async progress(): Promise<{ rawBytes: number; sealedBytes: number }> {
    const pool = await this.#pool;
    return { rawBytes: pool.counter(counterRawBytes), sealedBytes: pool.counter(counterSealedBytes) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool.catch(() => undefined);
    await pool?.[Symbol.asyncDispose]();
  }
}
