import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { RepositoryLock, type LockWait } from './lock.ts';
import type { Repository } from './repository.ts';

export interface ReadLockOptions<T> extends LockWait {
  readonly run: (locked: Context) => Promise<T>;
}

/**
 * As `withLock` with a shared lock, for what only reads. Where the repository may not be written to, a copy
 * on a read-only disk for one, it goes on without: a prune beside it can then make it fail and never falsify it, since
 * every blob is checked. Throws `repository-locked`.
 */
export async function withReadLock<T>(
  ctx: Context,
  repository: Repository,
  { run, ...wait }: ReadLockOptions<T>,
): Promise<T> {
  await using lock = await acquireIfWritable(ctx, repository, wait);
  return await run(lock === undefined ? ctx : { ...ctx, signal: lock.signal });
}

async function acquireIfWritable(
  ctx: Context,
  repository: Repository,
  wait: LockWait,
): Promise<RepositoryLock | undefined> {
  try {
    return await RepositoryLock.acquire(ctx, repository, { exclusive: false, ...wait });
  } catch (error) {
    if (!isOperationError(error, 'backend-denied')) throw error;
    ctx.log.warn({ err: error }, 'the repository is read without a lock');
    return undefined;
  }
}
