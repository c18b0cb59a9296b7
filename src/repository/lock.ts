import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { createLockDocument, describeLock, isStale, parseLock, serializeLock, type LockDocument } from './lockDocument.ts';
import type { Repository } from './repository.ts';

export interface LockOptions {
  /** Exclusive for whatever deletes or rewrites; shared for whatever adds or reads. */
  readonly exclusive: boolean;
  /** How long to wait for somebody else's lock; default not at all. */
  readonly retryMs?: number;
}

const refreshEveryMs = 5 * 60 * 1000;
/** Work must stop when no refresh has succeeded for this long: others may soon take the lock for stale. */
const refreshLimitMs = 22.5 * 60 * 1000;
/** Storage that lists late needs this long between writing a lock and looking for others. */
const settleMs = 200;
const firstPollMs = 5_000;
const maxPollMs = 60_000;
/** An unreadable lock may be a write under way: wait this long, then count it as a conflict. */
const unreadableRetriesMs = [500, 2_000, 5_000];

/**
 * Runs an operation while holding a lock of restic's kind (restic design, "Locks"). The context that the operation gets
 * aborts when the lock is lost. Throws `repository-locked` when somebody else holds a conflicting one.
 */
export async function withLock<T>(
  ctx: Context,
  repository: Repository,
  options: LockOptions & { readonly run: (locked: Context) => Promise<T> },
): Promise<T> {
  await using lock = await RepositoryLock.acquire(ctx, repository, options);
  return await options.run({ ...ctx, signal: lock.signal });
}

/** A lock that is held and refreshed until it is disposed of. */
export class RepositoryLock implements AsyncDisposable {
  /** Aborts with the caller's signal, and with `lock-lost` when the lock can no longer be relied on. */
  readonly signal: AbortSignal;
  readonly #ctx: Context;
  readonly #repository: Repository;
  readonly #exclusive: boolean;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #id: string;
  #refreshedMs: number;
  #refreshing: Promise<void> = Promise.resolve();

  private constructor(ctx: Context, repository: Repository, held: { id: string; exclusive: boolean }) {
    this.#ctx = ctx;
    this.#repository = repository;
    this.#exclusive = held.exclusive;
    this.#id = held.id;
    this.#refreshedMs = ctx.clock.monotonicMs();
    this.signal = AbortSignal.any([ctx.signal, this.#lost.signal]);
    this.#timer = setInterval(() => (this.#refreshing = this.refresh()), refreshEveryMs);
    this.#timer.unref();
  }

  static async acquire(ctx: Context, repository: Repository, options: LockOptions): Promise<RepositoryLock> {
    const deadline = ctx.clock.monotonicMs() + (options.retryMs ?? 0);
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, maxPollMs)) {
      try {
        return await acquireOnce(ctx, repository, options.exclusive);
      } catch (error) {
        const leftMs = deadline - ctx.clock.monotonicMs();
        if (!isOperationError(error, 'repository-locked') || leftMs <= 0) throw error;
        await ctx.clock.sleep(Math.min(pollMs, leftMs), ctx.signal);
      }
    }
  }

  static held(ctx: Context, repository: Repository, lock: { id: string; exclusive: boolean }): RepositoryLock {
    return new RepositoryLock(ctx, repository, lock);
  }

  /** Writes the lock anew with the present time, then removes the old one. Never throws; a lasting failure aborts `signal`. */
  async refresh(): Promise<void> {
    try {
      const names = await this.#repository.listIds(this.#ctx, 'locks');
      if (!names.includes(this.#id)) throw new OperationError('lock-lost', 'our lock was removed by somebody else');
      const next = await writeLock(this.#ctx, this.#repository, this.#exclusive);
      const previous = this.#id;
      this.#id = next;
      this.#refreshedMs = this.#ctx.clock.monotonicMs();
      await this.#repository.removeDocument(this.#ctx, 'locks', previous);
    } catch (error) {
      this.#ctx.log.warn({ error }, 'the repository lock could not be refreshed');
      const age = this.#ctx.clock.monotonicMs() - this.#refreshedMs;
      if (isOperationError(error, 'lock-lost') || age > refreshLimitMs) this.#lose(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
    // also when the caller was stopped: a lock left behind blocks everybody else
    const ctx = { ...this.#ctx, signal: new AbortController().signal };
    await this.#repository.removeDocument(ctx, 'locks', this.#id);
  }

  #lose(cause: unknown): void {
    clearInterval(this.#timer);
    this.#lost.abort(
      new OperationError('lock-lost', 'the repository lock was lost while we worked', {
        hint: 'was `unlock` run elsewhere, or did this machine sleep? run the command again',
        cause,
      }),
    );
  }
}

/** Removes stale locks, or all of them. Returns what was removed. */
export async function removeLocks(ctx: Context, repository: Repository, which: 'stale' | 'all'): Promise<LockDocument[]> {
  const removed: LockDocument[] = [];
  for (const id of await repository.listIds(ctx, 'locks')) {
    const lock = await readLock(ctx, repository, id).catch(() => undefined);
    if (which === 'stale' && (lock === undefined || !isStale(lock, ctx.clock.now()))) continue;
    await repository.removeDocument(ctx, 'locks', id);
    if (lock !== undefined) removed.push(lock);
  }
  return removed;
}

async function acquireOnce(ctx: Context, repository: Repository, exclusive: boolean): Promise<RepositoryLock> {
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
  return RepositoryLock.held(ctx, repository, { id, exclusive });
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
    const lock = await readLock(ctx, repository, id);
    if (lock === undefined || !(mine.exclusive || lock.exclusive)) continue;
    const stale = isStale(lock, ctx.clock.now());
    throw new OperationError('repository-locked', `the repository is ${describeLock(lock)}`, {
      hint: stale
        ? 'that process is gone: run `understudy unlock`'
        : 'wait for it to end, or give --retry-lock 10m to wait here',
      detail: { lock: id, ...lock, stale },
    });
  }
}

/** Undefined when the lock is gone by now. */
async function readLock(ctx: Context, repository: Repository, id: string): Promise<LockDocument | undefined> {
  for (const waitMs of [...unreadableRetriesMs, undefined]) {
    try {
      return parseLock(await repository.loadDocument(ctx, 'locks', id));
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return undefined;
      if (!isOperationError(error, 'repository-damaged')) throw error;
      if (waitMs === undefined) {
        throw new OperationError('repository-locked', `lock ${id.slice(0, 8)} cannot be read`, {
          hint: 'if no other client is at work, remove it with `understudy unlock --remove-all`',
          cause: error,
        });
      }
      await ctx.clock.sleep(waitMs, ctx.signal);
    }
  }
  return undefined;
}
