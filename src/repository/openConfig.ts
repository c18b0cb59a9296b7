import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { MasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';
import { listIds } from './documents.ts';
import { openKeyFile, parseKeyFile } from './keyFile.ts';
import { parseConfig, type RepositoryConfig } from './repositoryConfig.ts';

/** What opens a repository: a password, or the master key from an unwrapped-key cache. */
export type Credentials = PasswordCredentials | CachedCredentials;

interface PasswordCredentials {
  readonly password: Secret;
  /** Beginning of the id of the key to try first. */
  readonly keyHint?: string;
  /** Told when a key begins to be derived from the password: from then on other threads are at work for a while. */
  readonly onDeriving?: (() => void) | undefined;
}

interface CachedCredentials {
  readonly masterKey: MasterKey;
  readonly keyId: string;
  readonly repositoryId: string;
}

export interface OpenedConfig {
  readonly config: RepositoryConfig;
  /** Id of the key file that opened it. */
  readonly keyId: string;
  readonly masterKey: MasterKey;
}

/** restic tries no more keys than this. */
export const maxKeysTried = 20;

/**
 * Opens the configuration. Throws `repository-missing`, `wrong-password`, `repository-damaged`,
 * `repository-unsupported`.
 */
export async function openConfig(ctx: Context, backend: Backend, credentials: Credentials): Promise<OpenedConfig> {
  let sealedConfig: Buffer;
  try {
    sealedConfig = await backend.get(ctx, 'config');
  } catch (error) {
    if (!isOperationError(error, 'object-missing')) throw error;
    throw new OperationError('repository-missing', `there is no repository at ${backend.location}`, {
      hint: 'is the location right? `understudy init` creates a repository',
    });
  }
  if ('masterKey' in credentials) return useCachedKey(ctx, backend, { credentials, sealedConfig });
  const { masterKey, keyId } = await findKey(ctx, backend, { credentials, sealedConfig });
  return { masterKey, keyId, config: parseConfig(new Sealer(masterKey).open(sealedConfig)) };
}

/** A cached key must still stand for a key file, so that whoever removes a key shuts out those who cached it. */
async function useCachedKey(
  ctx: Context,
  backend: Backend,
  given: { credentials: CachedCredentials; sealedConfig: Buffer },
): Promise<OpenedConfig> {
  const { masterKey, keyId, repositoryId } = given.credentials;
  const sealer = new Sealer(masterKey);
  if (sealer.isAuthentic(given.sealedConfig) && (await backend.stat(ctx, `keys/${keyId}`)) !== undefined) {
    const config = parseConfig(sealer.open(given.sealedConfig));
    if (config.id === repositoryId) return { masterKey, keyId, config };
  }
  throw new OperationError('wrong-password', `the cached key does not open ${backend.location}`, {
    hint: 'the repository or its keys have changed: give the password, and cache its key again',
  });
}

interface KeyAttempts {
  readonly tried: number;
  readonly all: number;
  /** A key gave up its master key, and that did not open the configuration. */
  readonly matched: boolean;
  readonly unusable: readonly OperationError[];
}

/** Tries keys until one of them also opens the configuration: an aborted init may have left one that does not. */
async function findKey(
  ctx: Context,
  backend: Backend,
  given: { credentials: PasswordCredentials; sealedConfig: Buffer },
): Promise<Omit<OpenedConfig, 'config'>> {
  const { password, keyHint, onDeriving } = given.credentials;
  const ids = await listIds(ctx, backend, 'keys');
  if (keyHint !== undefined) ids.sort((a, b) => Number(b.startsWith(keyHint)) - Number(a.startsWith(keyHint)));
  const candidates = ids.slice(0, maxKeysTried);
  const unusable: OperationError[] = [];
  let matched = false;
  for (const id of candidates) {
    try {
      const bytes = await backend.get(ctx, `keys/${id}`);
      const opening = openKeyFile(parseKeyFile(bytes, id), password.reveal());
      onDeriving?.();
      const masterKey = await opening;
      if (masterKey === undefined) continue;
      matched = true;
      if (new Sealer(masterKey).isAuthentic(given.sealedConfig)) return { masterKey, keyId: id };
    } catch (error) {
      if (isOperationError(error, 'object-missing')) continue; // removed since it was listed
      if (!isOperationError(error, 'repository-damaged', 'repository-unsupported')) throw error;
      unusable.push(error);
    }
  }
  throw notOpened(backend, { tried: candidates.length, all: ids.length, matched, unusable });
}

function notOpened(backend: Backend, { tried, all, matched, unusable }: KeyAttempts): OperationError {
  if (matched) {
    return new OperationError('repository-damaged', 'the repository configuration is damaged: no key opens it', {
      hint: 'restore the `config` object from a copy of the repository',
    });
  }
  const [first] = unusable;
  if (tried === 0 || (first !== undefined && unusable.length === tried)) {
    return (
      first ??
      new OperationError('repository-damaged', `the repository at ${backend.location} has no keys`, {
        hint: 'restore the objects below `keys/` from a copy of the repository',
      })
    );
  }
  const hints = [
    'is it the password of this repository? UNDERSTUDY_PASSWORD, --password-file and --password-command give it',
  ];
  if (tried < all) hints.push(`only ${tried} of ${all} keys were tried: name yours with --key-hint`);
  if (first !== undefined) hints.push(first.message);
  return new OperationError('wrong-password', `no key of ${backend.location} opens with this password`, {
    hint: hints.join('; '),
  });
}
