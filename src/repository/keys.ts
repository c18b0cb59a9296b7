import { OperationError, isOperationError } from '../base/errors.ts';
import type { Context } from '../base/context.ts';
import type { Secret } from '../base/secret.ts';
import type { ScryptCost } from './crypto/keyDerivation.ts';
import { sameMasterKey } from './crypto/masterKey.ts';
import { listIds } from './documents.ts';
import { createKeyFile, openKeyFile, parseKeyFile, type KeyOwner } from './keyFile.ts';
import { withLock, type LockWait } from './lock.ts';
import type { Repository } from './repository.ts';

export interface KeyEntry {
  readonly id: string;
  /** The key that opened the repository. */
  readonly current: boolean;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339, as its writer put it; empty when the key cannot be used. */
  readonly created: string;
  /** Why no client can use this key. */
  readonly problem?: string;
}

export interface NewKey extends LockWait {
  readonly password: Secret;
  readonly owner?: KeyOwner;
  readonly cost?: ScryptCost;
}

/** All keys, the current one first. A key that no client can use is listed with its problem. */
export async function listKeys(ctx: Context, repository: Repository): Promise<KeyEntry[]> {
  const keys: KeyEntry[] = [];
  for (const id of (await listIds(ctx, repository.backend, 'keys')).sort()) {
    const key = await describeKey(ctx, repository, id);
    if (key !== undefined) keys.push(key);
  }
  return keys.sort((a, b) => Number(b.current) - Number(a.current));
}

/** Adds a key for another password and proves that it opens. Returns its id. Takes a shared lock. */
export async function addKey(ctx: Context, repository: Repository, options: NewKey): Promise<string> {
  return withLock(ctx, repository, {
    ...options,
    exclusive: false,
    run: (locked) => storeKey(locked, repository, options),
  });
}

/**
 * Removes the one key whose id begins with `id`, and returns its whole id. Takes an exclusive lock. Throws `key-in-use`
 * for the key that opened the repository, and when that is gone itself (then this would perhaps be the last one);
 * `not-found` and `ambiguous-id`.
 */
export async function removeKey(
  ctx: Context,
  repository: Repository,
  options: LockWait & { readonly id: string },
): Promise<string> {
  repository.requireDeletable();
  return withLock(ctx, repository, {
    ...options,
    exclusive: true,
    run: async (locked, lock) => {
      const ids = await listIds(locked, repository.backend, 'keys');
      const id = resolvePrefix(ids, options.id);
      if (id === repository.keyId) {
        throw new OperationError('key-in-use', `key ${id.slice(0, 8)} is the one that opened the repository`, {
          hint: 'open it with another password to remove this key, or change the password with `understudy key passwd`',
        });
      }
      requireCurrent(repository, ids);
      await lock.confirm();
      await repository.backend.delete(locked, `keys/${id}`);
      return id;
    },
  });
}

/**
 * Changes the password of the current key: the new key is durable and proved before the old one goes. Takes an
 * exclusive lock. The repository goes on as opened by the old key: open it again for further changes of keys.
 */
export async function changePassword(
  ctx: Context,
  repository: Repository,
  options: NewKey,
): Promise<{ readonly added: string; readonly removed: string }> {
  repository.requireDeletable();
  return withLock(ctx, repository, {
    ...options,
    exclusive: true,
    run: async (locked, lock) => {
      requireCurrent(repository, await listIds(locked, repository.backend, 'keys'));
      const added = await storeKey(locked, repository, options);
      await lock.confirm();
      await repository.backend.delete(locked, `keys/${repository.keyId}`);
      return { added, removed: repository.keyId };
    },
  });
}

async function storeKey(ctx: Context, repository: Repository, options: NewKey): Promise<string> {
  const { backend, masterKey } = repository;
  const password = options.password.reveal();
  const { id, bytes } = await createKeyFile(masterKey, password, { ...options, now: ctx.clock.now() });
  await backend.put(ctx, `keys/${id}`, bytes);
  const opened = await openKeyFile(parseKeyFile(await backend.get(ctx, `keys/${id}`), id), password);
  if (opened === undefined || !sameMasterKey(opened, masterKey)) {
    await backend.delete(ctx, `keys/${id}`);
    throw new OperationError('repository-damaged', 'the key just written does not open the repository', {
      hint: 'this machine computes wrongly, or the storage returned something else: check its memory, then try again',
    });
  }
  return id;
}

async function describeKey(ctx: Context, repository: Repository, id: string): Promise<KeyEntry | undefined> {
  const current = id === repository.keyId;
  try {
    const { username, hostname, created } = parseKeyFile(await repository.backend.get(ctx, `keys/${id}`), id);
    return {
      id,
      current,
      username,
      hostname,
      created,
    };
  } catch (error) {
    if (isOperationError(error, 'object-missing')) return undefined;
    if (!isOperationError(error, 'repository-damaged', 'repository-unsupported')) throw error;
    return { id, current, username: '', hostname: '', created: '', problem: error.message };
  }
}

/**
 * Somebody else may have removed the key that opened the repository: then nobody here knows who could still open it.
 */
function requireCurrent(repository: Repository, ids: readonly string[]): void {
  if (ids.includes(repository.keyId)) return;
  throw new OperationError('key-in-use', 'the key that opened the repository was removed meanwhile', {
    hint: 'open the repository again with a password that is still valid',
  });
}

function resolvePrefix(ids: readonly string[], prefix: string): string {
  const found = ids.filter((id) => prefix !== '' && id.startsWith(prefix.toLowerCase()));
  const [id] = found;
  if (id === undefined) {
    throw new OperationError('not-found', `no key id begins with ${JSON.stringify(prefix)}`, {
      hint: '`understudy key list` shows the keys',
    });
  }
  if (found.length > 1) {
    throw new OperationError('ambiguous-id', `${found.length} key ids begin with ${prefix}`, {
      hint: 'give more digits of the id',
    });
  }
  return id;
}
