import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { isStale, parseLock, type LockDocument } from './lockDocument.ts';
import type { Repository } from './repository.ts';

/** One object in `locks/`. */
export interface HeldLock {
  readonly id: string;
  /** Undefined when the lock cannot be read. */
  readonly lock: LockDocument | undefined;
  /** A file without a byte: a write that a crash cut short. restic from 0.15.1 on ignores it, before it panics. */
  readonly empty: boolean;
  readonly stale: boolean;
}

/** An unreadable lock may be a write under way: look again after these pauses before calling it unreadable. */
const unreadableRetriesMs = [500, 2_000, 5_000];

/** Everything in `locks/`; locks that vanish meanwhile are left out. */
export async function listLocks(ctx: Context, repository: Repository): Promise<HeldLock[]> {
  const locks: HeldLock[] = [];
  for (const id of await repository.listIds(ctx, 'locks')) {
    const lock = await readLock(ctx, repository, id);
    if (lock !== undefined) locks.push(lock);
  }
  return locks;
}

/** Removes stale and empty locks, or all of them, readable or not. Returns what was removed. */
export async function removeLocks(ctx: Context, repository: Repository, which: 'stale' | 'all'): Promise<HeldLock[]> {
  const removed: HeldLock[] = [];
  for (const held of await listLocks(ctx, repository)) {
    if (which === 'stale' && !held.stale) continue;
    await repository.removeDocument(ctx, 'locks', held.id);
    removed.push(held);
  }
  return removed;
}

/** Undefined when the lock is gone by now. */
export async function readLock(ctx: Context, repository: Repository, id: string): Promise<HeldLock | undefined> {
  for (const waitMs of [...unreadableRetriesMs, undefined]) {
    try {
      const lock = parseLock(await repository.loadDocument(ctx, 'locks', id));
      return { id, lock, empty: false, stale: isStale(lock, ctx.clock.now()) };
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return undefined;
      if (!isOperationError(error, 'repository-damaged')) throw error;
      if (waitMs === undefined) break;
      await ctx.clock.sleep(waitMs, ctx.signal);
    }
  }
  const found = await repository.backend.stat(ctx, `locks/${id}`);
  if (found === undefined) return undefined;
  const empty = found.sizeBytes === 0;
  return { id, lock: undefined, empty, stale: empty };
}
