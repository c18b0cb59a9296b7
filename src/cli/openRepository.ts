import { openBackend } from '../backend/openBackend.ts';
import type { Context } from '../base/context.ts';
import { errorMessage, isOperationError } from '../base/errors.ts';
import { loadKeyCache, saveKeyCache } from '../repository/keyCache.ts';
import type { LockWait } from '../repository/lock.ts';
import type { ReadLockOptions } from '../repository/readLock.ts';
import { Repository } from '../repository/repository.ts';
import type { Invocation } from './command.ts';

/** Commands of any options; opening needs only what is common to all. */
type AnyInvocation = Pick<Invocation, 'global' | 'repositorySettings' | 'repositoryPassword'>;

/**
 * Opens the repository that flags, environment and configuration name: with the cached key where the owner asked for a
 * cache and it holds the right one, else with the password, and then the cache is filled. A cache that is refused or
 * cannot be written costs time and stops nothing. Throws what `Repository.open` throws.
 */
export async function openRepository(
  ctx: Context,
  invocation: AnyInvocation,
  onDeriving?: () => void,
): Promise<Repository> {
  const { location, keyCacheFile } = await invocation.repositorySettings();
  const backend = await openBackend(location);
  const cached = keyCacheFile === undefined ? undefined : await openWithCachedKey(ctx, backend, keyCacheFile);
  if (cached !== undefined) return cached;
  const repository = await Repository.open(ctx, backend, {
    password: await invocation.repositoryPassword(),
    onDeriving,
  });
  if (keyCacheFile !== undefined) tolerating(ctx, () => saveKeyCache(keyCacheFile, repository));
  return repository;
}

/** How long a command waits for somebody else's lock (`--retry-lock`). */
export function lockWait({ global }: Pick<Invocation, 'global'>): LockWait {
  return global.retryLock === undefined ? {} : { retryMs: global.retryLock };
}

/** The same for what only reads, which says so when it goes on without a lock. */
export function readLock(
  invocation: Pick<Invocation, 'global' | 'printer'>,
): Pick<ReadLockOptions<unknown>, 'retryMs' | 'onUnlocked'> {
  const onUnlocked = (reason: unknown): void =>
    invocation.printer.warn(`the repository is read without a lock, do not prune it now: ${errorMessage(reason)}`);
  return { ...lockWait(invocation), onUnlocked };
}

async function openWithCachedKey(
  ctx: Context,
  backend: Repository['backend'],
  keyCacheFile: string,
): Promise<Repository | undefined> {
  const cached = tolerating(ctx, () => loadKeyCache(keyCacheFile));
  if (cached === undefined) return undefined;
  try {
    return await Repository.open(ctx, backend, cached);
  } catch (error) {
    if (isOperationError(error, 'wrong-password')) return undefined;
    throw error;
  }
}

function tolerating<T>(ctx: Context, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!isOperationError(error, 'file-denied', 'file-io')) throw error;
    ctx.log.warn({ err: error }, 'the key cache is not used');
    return undefined;
  }
}
