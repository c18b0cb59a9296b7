import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { WorkerPool, deserializeError, moduleUrl } from '../../base/workerPool.ts';
import { exportMasterKey } from '../../repository/sealedObject.ts';
import type { Repository } from '../../repository/repository.ts';
import type { WalArchive } from '../walArchive.ts';
import {
  acknowledge,
  identityOf,
  sameIdentity,
  withdrawAcknowledgements,
  type FileIdentity,
} from './acknowledgement.ts';
import { readWalFile, walFileOfPath } from './readWalFile.ts';
import { isReady, readyFiles } from './readyFiles.ts';
import { discardObject, publishObject } from './stagedObject.ts';
import type { PushKernelInit, PushResult, PushTask, StagedFile } from './worker/pushKernel.ts';

export interface ArchiverOptions {
  readonly repository: Repository;
  readonly archive: WalArchive;
  /** Where acknowledgements go. */
  readonly spool: string;
  readonly threads: number;
}

/** How a file gets ready to be published: by a thread, or not at all (then `put` does everything). */
type Preparation = { readonly kind: 'staged'; readonly result: PushResult } | { readonly kind: 'direct' };

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Files taken from pg_wal before it is looked at again: a history file that appears meanwhile comes first. */
const batchFiles = 32;

/**
 * Stores what PostgreSQL wants archived: the file it asks for and, ahead of its asking, all others that are ready.
 * Threads prepare files in parallel; they become visible, and are acknowledged, in PostgreSQL's order. The first
 * failure ends the run of files: what comes behind waits until PostgreSQL asks again.
 */
export class Archiver implements AsyncDisposable {
  readonly #ctx: Context;
  readonly #options: ArchiverOptions;
  readonly #pool: WorkerPool | undefined;
  /** Path -> the version that is stored, as long as PostgreSQL has not taken note of it. */
  readonly #stored = new Map<string, FileIdentity>();
  readonly #waiting = new Map<string, Waiter[]>();
  #draining: Promise<void> | undefined;
  #storedFiles = 0;

  private constructor(ctx: Context, options: ArchiverOptions, pool: WorkerPool | undefined) {
    this.#ctx = ctx;
    this.#options = options;
    this.#pool = pool;
  }

  static async open(ctx: Context, options: ArchiverOptions): Promise<Archiver> {
    const { repository, archive, threads } = options;
    const directory = repository.backend.localDirectory;
    withdrawAcknowledgements(options.spool);
    if (directory === undefined) return new Archiver(ctx, options, undefined);
    const { systemIdentifier } = archive;
    const init: PushKernelInit = { masterKey: exportMasterKey(repository), systemIdentifier, directory };
    const module = moduleUrl('./worker/pushKernel', import.meta);
    return new Archiver(ctx, options, await WorkerPool.open({ module, threads, init, signal: ctx.signal }));
  }

  /** Resolves when nothing more is ready, or the run of files ended with a failure. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  /** Files stored since it was opened. */
  get storedFiles(): number {
    return this.#storedFiles;
  }

  /** Resolves when the file is durable in the archive. Throws what hinders it, or what hinders one before it. */
  async store(path: string): Promise<void> {
    walFileOfPath(path);
    if (this.#holds(path)) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(path, [...(this.#waiting.get(path) ?? []), { resolve, reject }]);
      this.#drain();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#draining;
    withdrawAcknowledgements(this.#options.spool);
    await this.#pool?.[Symbol.asyncDispose]();
  }

  #drain(): void {
    this.#draining ??= this.#storeAll()
      .catch((error: unknown) => this.#settle((waiter) => waiter.reject(error)))
      .finally(() => {
        this.#draining = undefined;
        if (this.#waiting.size > 0) this.#drain();
      });
  }

  async #storeAll(): Promise<void> {
    for (;;) {
      this.#ctx.signal.throwIfAborted();
      const directories = new Set([...this.#waiting.keys(), ...this.#stored.keys()].map((path) => dirname(path)));
      for (const directory of directories) this.#forgetSettled(directory);
      const batch = this.#nextFiles([...directories]);
      if (batch.length === 0) return;
      await this.#storeInOrder(batch);
    }
  }

  /** What PostgreSQL has taken note of needs neither memory nor acknowledgement any more. */
  #forgetSettled(walDirectory: string): void {
    for (const path of this.#stored.keys()) {
      if (dirname(path) === walDirectory && !isReady(walDirectory, basename(path))) this.#stored.delete(path);
    }
    withdrawAcknowledgements(this.#options.spool, (name) => !this.#stored.has(join(walDirectory, name)));
  }

  #nextFiles(walDirectories: readonly string[]): string[] {
    const ready = walDirectories.flatMap((directory) => readyFiles(directory).map((name) => join(directory, name)));
    const unannounced = [...this.#waiting.keys()].filter((path) => !ready.includes(path));
    return [...unannounced, ...ready].filter((path) => !this.#isSettled(path)).slice(0, batchFiles);
  }

  /** True when nothing is to be done: the file is stored, and who waits for it is told; or it is gone unasked. */
  #isSettled(path: string): boolean {
    if (!existsSync(path)) return !this.#waiting.has(path);
    if (!this.#holds(path)) return false;
    this.#settle((waiter) => waiter.resolve(), path);
    return true;
  }

  /** True when exactly the file that lies there is stored. */
  #holds(path: string): boolean {
    const stored = this.#stored.get(path);
    return stored !== undefined && existsSync(path) && sameIdentity(stored, identityOf(path));
  }

  async #storeInOrder(paths: readonly string[]): Promise<void> {
    const window = 2 * (this.#pool?.size ?? 0) + 1;
    const prepared: Promise<Preparation>[] = [];
    let next = 0;
    try {
      for (const path of paths) {
        while (next < paths.length && prepared.length < window) prepared.push(this.#prepare(paths[next++]!));
        await this.#finish(path, await prepared.shift()!);
      }
    } finally {
      await discardAll(prepared);
    }
  }

  async #prepare(path: string): Promise<Preparation> {
    const file = walFileOfPath(path);
    if (this.#pool === undefined || file.kind === 'partial') return { kind: 'direct' };
    if (await this.#options.archive.has(this.#ctx, file)) return { kind: 'direct' };
    const task: PushTask = { path };
    return { kind: 'staged', result: await this.#pool.runOnAny<PushResult>(task) };
  }

  async #finish(path: string, preparation: Preparation): Promise<void> {
    const identity =
      preparation.kind === 'direct' ? await this.#putDirectly(path) : await this.#publish(path, preparation.result);
    this.#storedFiles++;
    this.#stored.set(path, identity);
    this.#acknowledge(path, identity);
    this.#settle((waiter) => waiter.resolve(), path);
  }

  async #putDirectly(path: string): Promise<FileIdentity> {
    const { file, content, identity } = readWalFile(path);
    await this.#options.archive.put(this.#ctx, file, content);
    return identity;
  }

  async #publish(path: string, result: PushResult): Promise<FileIdentity> {
    if ('failure' in result) throw deserializeError(result.failure);
    const { file, staged, identity } = result.value;
    const { archive, repository } = this.#options;
    try {
      publishObject(repository.backend.localDirectory!, staged);
    } catch (error) {
      if (!isOperationError(error, 'object-exists')) throw error;
      await archive.confirmIdentical(this.#ctx, file, readWalFile(path).content);
    }
    if (file.kind === 'segment') await archive.dropPartial(this.#ctx, file.segment);
    return identity;
  }

  /** Without an acknowledgement archive_command asks us, which is only slower. */
  #acknowledge(path: string, identity: FileIdentity): void {
    if (!isReady(dirname(path), basename(path))) return;
    try {
      acknowledge(this.#options.spool, basename(path), identity);
    } catch (error) {
      this.#ctx.log.warn({ err: error }, 'cannot write an acknowledgement');
    }
  }

  #settle(tell: (waiter: Waiter) => void, path?: string): void {
    for (const waitedFor of path === undefined ? [...this.#waiting.keys()] : [path]) {
      const waiters = this.#waiting.get(waitedFor) ?? [];
      this.#waiting.delete(waitedFor);
      for (const waiter of waiters) tell(waiter);
    }
  }
}

async function discardAll(prepared: readonly Promise<Preparation>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(prepared)) {
    if (outcome.status === 'rejected' || outcome.value.kind === 'direct') continue;
    const staged: StagedFile | undefined = 'value' in outcome.value.result ? outcome.value.result.value : undefined;
    if (staged !== undefined) discardObject(staged.staged);
  }
}
