import { hash } from 'node:crypto';
import type { Context } from '../base/context.ts';
import { assert } from '../base/errors.ts';
import { WorkerPool, defaultThreadCount, moduleUrl } from '../base/workerPool.ts';
import type { BlobType } from './blob.ts';
import { idWords } from './blobTable.ts';
import { masterKeyToBytes } from './crypto/masterKey.ts';
import { ZstdCompressor, type Compression } from './crypto/zstd.ts';
import { IndexWriter } from './index/indexWriter.ts';
import type { RepositoryIndex } from './index/repositoryIndex.ts';
import type { ReadBack } from './pack/packBuilder.ts';
import { BackendPackSink } from './pack/packSink.ts';
import { PackWriter, type StoredPack } from './pack/packWriter.ts';
import type { RangePlan } from './rangePlan.ts';
import type { Repository } from './repository.ts';
import type { BufferResult } from './worker/storeBuffer.ts';
import type { FileResult } from './worker/storeFiles.ts';
import type { StoreKernelInit, StoreTask } from './worker/storeKernel.ts';
import { counterRawBytes, counterReusedBytes } from './worker/storeState.ts';

export type { BufferResult } from './worker/storeBuffer.ts';
export type { FileResult } from './worker/storeFiles.ts';
export type { ReadBack } from './pack/packBuilder.ts';
export type { Compression } from './crypto/zstd.ts';

export interface UploadOptions {
  readonly compression?: Compression;
  /** Packs are finished at this size; default 16 MiB, restic allows 4 to 128 MiB. */
  readonly packSizeBytes?: number;
  /** How much is read back before it is stored; default a sample (docs/decisions/0004). */
  readonly readBack?: ReadBack;
  /** Worker threads; default one a core; 0 works in this thread. */
  readonly threads?: number;
  /** Most chunks that may come, known or estimated; default a million. */
  readonly expectedChunks?: number;
}

export interface UploadTotals {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Plaintext bytes of the new blobs. */
  readonly addedBytes: number;
  /** What they take in packs. */
  readonly storedBytes: number;
}

const defaultPackBytes = 16 * 1024 * 1024;
const defaultChunks = 1 << 20;

/**
 * Everything that one operation adds to a repository: blobs through worker threads or one by one, packs, index. The
 * caller holds a lock from before `begin` until its snapshot is saved. Nothing refers to what was uploaded until
 * `commit` has resolved; without it the packs are garbage for the next prune.
 */
export class Upload implements AsyncDisposable {
  readonly #repository: Repository;
  readonly #index: RepositoryIndex;
  readonly #indexWriter: IndexWriter;
  readonly #options: UploadOptions;
  readonly #ctx: Context;
  readonly #packCounter: Int32Array;
  readonly #writers: Record<BlobType, PackWriter>;
  #pool: Promise<WorkerPool> | undefined;
  #onFile: ((file: FileResult) => void) | undefined;
  #lastSave: Promise<unknown> = Promise.resolve();
  #totals = { dataBlobs: 0, treeBlobs: 0, addedBytes: 0, storedBytes: 0 };

  private constructor(
    ctx: Context,
    repository: Repository,
    prepared: { index: RepositoryIndex; options: UploadOptions },
  ) {
    this.#ctx = ctx;
    this.#repository = repository;
    this.#index = prepared.index;
    this.#options = prepared.options;
    this.#indexWriter = new IndexWriter(repository, prepared.index);
    this.#packCounter = new Int32Array(new SharedArrayBuffer(4));
    this.#packCounter[0] = prepared.index.packCount;
    this.#writers = { data: this.#openWriter('data'), tree: this.#openWriter('tree') };
  }

  static async begin(ctx: Context, repository: Repository, options: UploadOptions = {}): Promise<Upload> {
    const index = await repository.index(ctx);
    index.reserve('data', options.expectedChunks ?? defaultChunks);
    return new Upload(ctx, repository, { index, options });
  }

  get totals(): UploadTotals {
    return this.#totals;
  }

  /** Plaintext bytes that the worker threads have dealt with so far, and how many of them were already stored. */
  async progress(): Promise<{ rawBytes: number; reusedBytes: number }> {
    if (this.#pool === undefined) return { rawBytes: 0, reusedBytes: 0 };
    const pool = await this.#pool;
    return { rawBytes: pool.counter(counterRawBytes), reusedBytes: pool.counter(counterReusedBytes) };
  }

  /** Starts the worker threads now, for a caller that knows that it will need them. */
  warmUp(): void {
    this.#workers().catch(() => undefined);
  }

  /** Stores the files of a plan in chunks of fixed size; resolves with each thread's inspector report. */
  async storeRanges(plan: RangePlan): Promise<unknown[]> {
    if (plan.ranges.length === 0) return [];
    return (await this.#workers()).runOnAll({ kind: 'ranges', plan } satisfies StoreTask);
  }

  /** Stores ordinary files, cut by content; `onFile` hears of each one as it is done. */
  async storeFiles(paths: readonly Buffer[], onFile: (file: FileResult) => void): Promise<void> {
    if (paths.length === 0) return;
    assert(this.#onFile === undefined, 'files are stored by one caller at a time');
    this.#onFile = onFile;
    try {
      const next = new Int32Array(new SharedArrayBuffer(4));
      const task: StoreTask = { kind: 'files', paths: paths.map((path) => path.toString('latin1')), next };
      await (await this.#workers()).runOnAll(task);
    } finally {
      this.#onFile = undefined;
    }
  }

  /** Stores pieces of a shared buffer in one of the threads. The buffer is free again when the promise resolves. */
  async storeBuffer(bytes: SharedArrayBuffer, pieces: Uint32Array): Promise<BufferResult> {
    return (await this.#workers()).runOnAny({ kind: 'buffer', bytes, pieces } satisfies StoreTask);
  }

  /** Stores one blob from this thread, unless it is there. Returns its id in hex. Meant for trees and small files. */
  async saveBlob(type: BlobType, plain: Uint8Array): Promise<string> {
    const id = hash('sha256', plain, 'buffer');
    const entry = this.#index.table(type).claim(idWords(id));
    if (entry >= 0) {
      // one after the other: a pack that is being stored takes no more blobs
      const saved = this.#lastSave.then(() => this.#writers[type].add(entry, plain));
      this.#lastSave = saved.catch(() => undefined);
      await saved;
    }
    return id.toString('hex');
  }

  /** Makes everything durable, packs before index. Only after it may a snapshot refer to what was uploaded. */
  async commit(): Promise<UploadTotals> {
    this.#ctx.signal.throwIfAborted();
    if (this.#pool !== undefined) await (await this.#pool).runOnAll({ kind: 'flush' } satisfies StoreTask);
    await this.#writers.data.flush();
    await this.#writers.tree.flush();
    await this.#indexWriter.flush(this.#ctx);
    return this.#totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.[Symbol.asyncDispose]();
  }

  #workers(): Promise<WorkerPool> {
    this.#pool ??= WorkerPool.open({
      module: moduleUrl('./worker/storeKernel', import.meta),
      threads: this.#threads(),
      init: this.#kernelInit(),
      signal: this.#ctx.signal,
      onMessage: (message: StoredPack | { file: FileResult }) => {
        if ('file' in message) this.#onFile?.(message.file);
        else this.#addPack(message);
      },
    });
    return this.#pool;
  }

  /** Threads write files themselves; any other storage is written through its backend by this thread. */
  #threads(): number {
    if (this.#repository.backend.localDirectory === undefined) return 0;
    return this.#options.threads ?? defaultThreadCount();
  }

  #kernelInit(): StoreKernelInit {
    const { backend, masterKey, config } = this.#repository;
    return {
      masterKey: masterKeyToBytes(masterKey),
      compression: this.#options.compression ?? 'default',
      targetBytes: this.#options.packSizeBytes ?? defaultPackBytes,
      readBack: this.#options.readBack ?? 'sample',
      table: this.#index.table('data').shared,
      packCounter: this.#packCounter.buffer as SharedArrayBuffer,
      polynomial: config.chunkerPolynomial,
      storage:
        backend.localDirectory === undefined ? { backend, ctx: this.#ctx } : { directory: backend.localDirectory },
    };
  }

  #openWriter(type: BlobType): PackWriter {
    const compression = this.#options.compression ?? 'default';
    return new PackWriter(
      {
        type,
        sealer: this.#repository.sealer,
        compressor: new ZstdCompressor(compression === 'off' ? 'fastest' : compression),
        table: this.#index.table(type),
        targetBytes: Math.min(this.#options.packSizeBytes ?? defaultPackBytes, 4 * 1024 * 1024),
        readBack: 'all',
        nextPackNumber: () => Atomics.add(this.#packCounter, 0, 1),
      },
      new BackendPackSink(this.#ctx, this.#repository.backend),
      (pack) => this.#addPack(pack),
    );
  }

  #addPack(pack: StoredPack): void {
    this.#totals.addedBytes += pack.rawBytes;
    this.#totals.storedBytes += pack.sizeBytes;
    if (pack.type === 'data') this.#totals.dataBlobs += pack.entries.length;
    else this.#totals.treeBlobs += pack.entries.length;
    this.#indexWriter.add(this.#ctx, pack);
  }
}
