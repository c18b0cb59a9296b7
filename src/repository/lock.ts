import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { readLock } from './heldLocks.ts';
import { createLockDocument, describeLock, isAbandoned, serializeLock } from './lockDocument.ts';
import { LockKeeper } from './lockKeeper.ts';
import type { Repository } from './repository.ts';

export interface LockWait {
  /** How long to wait for somebody else's lock; default not at all. */
  readonly retryMs?: number;
}

export interface LockOptions extends LockWait {
  /** Exclusive for whatever deletes or rewrites; shared for whatever adds or reads. */
  readonly exclusive: boolean;
}

/** Storage that lists late needs this long between writing a lock and looking for others. */
const settleMs = 200;
const firstPollMs = 5_000;
const maxPollMs = 60_000;

/**
 * Runs an operation while holding a lock of restic's kind (restic design, "Locks"). The context that the operation gets
 * aborts when the lock is lost. Throws `repository-locked` when somebody else holds a conflicting one.
 */
export async function withLock<T>(
  ctx: Context,
  repository: Repository,
  options: LockOptions & { readonly run: (locked: Context, lock: RepositoryLock) => Promise<T> },
): Promise<T> {
  await using lock = await RepositoryLock.acquire(ctx, repository, options);
  return await options.run({ ...ctx, signal: lock.signal }, lock);
}

/** A lock that is held and refreshed until it is disposed of. */
export class RepositoryLock implements AsyncDisposable {
  readonly exclusive: boolean;
  readonly #keeper: LockKeeper;
  readonly #endGuard: () => void;

  private constructor(keeper: LockKeeper, held: { exclusive: boolean; endGuard: () => void }) {
    this.#keeper = keeper;
    this.#endGuard = held.endGuard;
    this.exclusive = held.exclusive;
  }

  /**
   * Takes a lock. What the repository's index said before may be out of date by now, and is forgotten: a blob may be
   * relied on only while a lock is held from the loading of the index on.
   */
  static async acquire(ctx: Context, repository: Repository, options: LockOptions): Promise<RepositoryLock> {
    const deadline = ctx.clock.monotonicMs() + (options.retryMs ?? 0);
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, maxPollMs)) {
      try {
        const id = await acquireOnce(ctx, repository, options.exclusive);
        repository.forgetIndex();
        const write = (): Promise<string> => writeLock(ctx, repository, options.exclusive);
        const keeper = new LockKeeper(ctx, repository, { id, write });
        const endGuard = repository.guardDocuments(() => keeper.confirm());
        return new RepositoryLock(keeper, { exclusive: options.exclusive, endGuard });
      } catch (error) {
        const leftMs = deadline - ctx.clock.monotonicMs();
        if (!isOperationError(error, 'repository-locked') || leftMs <= 0) throw error;
        // of two that keep each other out, one must come back earlier
        const pauseMs = pollMs * (0.75 + Math.random() / 4);
        await ctx.clock.sleep(Math.min(pauseMs, leftMs), ctx.signal);
      }
    }
  }

  /** Aborts with the caller's signal, and with `lock-lost` when the lock can no longer be relied on. */
  get signal(): AbortSignal {
    return this.#keeper.signal;
  }

  /**
   * Makes sure that the lock is still there: to be called right before anything is deleted, since a process may have
   * slept and another one removed its lock. Saving an index or a snapshot does it by itself. Throws `lock-lost`.
   */
  async confirm(): Promise<void> {
    await this.#keeper.confirm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endGuard();
    await this.#keeper[Symbol.asyncDispose]();
  }
}

async function acquireOnce(ctx: Context, repository: Repository, exclusive: boolean): Promise<string> {
  await refuseConflict(ctx, repository, { exclusive, own: undefined });
  const id = await writeLock(ctx, repository, exclusive);
  try {
    // a local directory shows a file as soon as it is there: of two writers at least one sees the other
    if (repository.backend.localDirectory === undefined) await ctx.clock.sleep(settleMs, ctx.signal);
    await refuseConflict(ctx, repository, { exclusive, own: id });
  } catch (error) {
    await repository.removeDocument({ ...ctx, signal: new AbortController().signal }, 'locks', id);
    throw error;
  }
  return id;
}

async function writeLock(ctx: Context, repository: Repository, exclusive: boolean): Promise<string> {
  return repository.saveDocument(ctx, 'locks', serializeLock(createLockDocument(ctx.clock.now(), exclusive)));
}

async function refuseConflict(
  ctx: Context,
  repository: Repository,
  mine: { exclusive: boolean; own: string | undefined },
): Promise<void> {
  for (const id of await repository.listIds(ctx, 'locks')) {
    if (id === mine.own) continue;
    const held = await readLock(ctx, repository, id);
    if (held === undefined || held.empty) continue;
    const { lock, stale } = held;
    if (lock === undefined) {
      throw new OperationError('repository-locked', `lock ${id.slice(0, 8)} cannot be read`, {
        hint: 'if no other client is at work, remove it with `understudy unlock --remove-all`',
        detail: { lock: id },
      });
    }
    if (isAbandoned(lock, ctx.clock.now())) {
      ctx.log.warn({ lock: id, pid: lock.pid, time: lock.time }, 'removing the lock of a process that is gone');
      await repository.removeDocument(ctx, 'locks', id);
    } else if (mine.exclusive || lock.exclusive) {
      throw new OperationError('repository-locked', `the repository is ${describeLock(lock)}`, {
        hint: stale
          ? 'that process is gone: run `understudy unlock`'
          : 'wait for it to end, or give --retry-lock 10m to wait here',
        detail: { lock: id, ...lock, stale },
      });
    }
  }
}
