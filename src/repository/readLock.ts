import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { RepositoryLock, type LockWait } from './lock.ts';
import type { Repository } from './repository.ts';

export interface ReadLockOptions<T> extends LockWait {
  readonly run: (ctx: Context) => Promise<T>;
  /** Told why there is no lock, or none any more. */
  readonly onUnlocked?: (reason: unknown) => void;
}

/**
 * As `withLock` with a shared lock, for what only reads, and goes on without where a lock cannot be had: where nothing
 * may be written (a copy on a read-only disk for one), where the disk is full, where a lock lies that is stale and that
 * nobody may be able to remove. A prune beside it can then make it fail and never falsify it, since every blob is
 * checked. Throws `repository-locked`.
 */
export async function withReadLock<T>(
  ctx: Context,
  repository: Repository,
  { run, onUnlocked, ...wait }: ReadLockOptions<T>,
): Promise<T> {
  const tell = (error: unknown): void => {
    ctx.log.warn({ err: error }, 'the repository is read without a lock');
    onUnlocked?.(error);
  };
  await using lock = await acquireIfPossible(ctx, repository, { wait, tell });
  lock?.signal.addEventListener('abort', () => {
    if (!ctx.signal.aborted) tell(lock.signal.reason);
  });
  return await run(ctx);
}

async function acquireIfPossible(
  ctx: Context,
  repository: Repository,
  { wait, tell }: { readonly wait: LockWait; readonly tell: (error: unknown) => void },
): Promise<RepositoryLock | undefined> {
  try {
    return await RepositoryLock.acquire(ctx, repository, { exclusive: false, ...wait });
  } catch (error) {
    const cannotWrite = isOperationError(error, 'backend-denied', 'backend-full');
    const isHeld = isOperationError(error, 'repository-locked') && error.detail['stale'] === false;
    if (!cannotWrite && (isHeld || !isOperationError(error, 'repository-locked'))) throw error;
    tell(error);
    return undefined;
  }
}
