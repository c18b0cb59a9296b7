import type { Context } from '../../base/context.ts';
import { RepositoryLock } from '../../repository/lock.ts';
import type { Repository } from '../../repository/repository.ts';
import type { PhysicalBackupOptions } from '../physicalBackup.ts';
import { findParentCluster, type ParentCluster } from './parentCluster.ts';

export interface Prepared {
  /** Aborts when the lock is lost. */
  readonly ctx: Context;
  readonly repository: Repository;
  readonly parent: ParentCluster | undefined;
}

/**
 * The repository's side of a backup's beginning: opened, locked, the parent found. Runs while the other side, the
 * server, is asked to begin; deriving the key alone takes as long as that. Disposing releases the lock, also when the
 * server's side has failed and nobody waited.
 */
export class Preparation implements AsyncDisposable {
  readonly #running: Promise<Prepared & { readonly lock: RepositoryLock }>;

  constructor(ctx: Context, repository: Promise<Repository>, options: PhysicalBackupOptions) {
    this.#running = prepare(ctx, repository, options);
    // reported to whoever waits; until then it is not unhandled
    this.#running.catch(() => undefined);
  }

  ready(): Promise<Prepared> {
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const prepared = await this.#running.catch(() => undefined);
    await prepared?.lock[Symbol.asyncDispose]();
  }
}

async function prepare(
  ctx: Context,
  opening: Promise<Repository>,
  options: PhysicalBackupOptions,
): Promise<Prepared & { lock: RepositoryLock }> {
  const repository = await opening;
  const lock = await RepositoryLock.acquire(ctx, repository, { exclusive: false, ...options.lock });
  try {
    const locked = { ...ctx, signal: lock.signal };
    const of = { source: options.source, hostname: options.hostname };
    return { ctx: locked, repository, lock, parent: await findParentCluster(locked, repository, of) };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}
