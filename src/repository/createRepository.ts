import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { ScryptCost } from './crypto/keyDerivation.ts';
import { generateMasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';
import { listIds } from './documents.ts';
import { createKeyFile, type KeyOwner } from './keyFile.ts';
import type { OpenedConfig } from './openConfig.ts';
import { createConfig, serializeConfig } from './repositoryConfig.ts';

export interface InitOptions {
  readonly password: Secret;
  readonly owner?: KeyOwner;
  readonly cost?: ScryptCost;
  /** Polynomial of another repository, so that copies between both deduplicate. */
  readonly chunkerPolynomial?: bigint;
}

/**
 * Creates a repository where there is none: first a key, then `config`, whose creation decides which of several
 * simultaneous initialisations wins. Keys of one that was cut short are removed, since a stock client that comes upon
 * one with the same password goes no further. Throws `repository-exists`.
 */
export async function createRepository(ctx: Context, backend: Backend, options: InitOptions): Promise<OpenedConfig> {
  if ((await backend.stat(ctx, 'config')) !== undefined) throw exists(backend);
  const orphans = await listIds(ctx, backend, 'keys');
  await refuseRemains(ctx, backend);
  const config = createConfig(options.chunkerPolynomial);
  const masterKey = generateMasterKey();
  const key = await createKeyFile(masterKey, options.password.reveal(), { ...options, now: ctx.clock.now() });
  await backend.put(ctx, `keys/${key.id}`, key.bytes);
  try {
    await backend.put(ctx, 'config', new Sealer(masterKey).seal(serializeConfig(config)), { ifAbsent: true });
  } catch (error) {
    if (!isOperationError(error, 'object-exists')) throw error;
    // somebody else won: our key opens nothing and would only confuse other clients
    await backend.delete(ctx, `keys/${key.id}`);
    throw exists(backend);
  }
  // they were there before the configuration, so they are of no use to anybody
  for (const orphan of orphans) await backend.delete(ctx, `keys/${orphan}`);
  return { config, keyId: key.id, masterKey };
}

/** A new configuration over old data would turn that into garbage. */
async function refuseRemains(ctx: Context, backend: Backend): Promise<void> {
  for (const prefix of ['snapshots/', 'index/', 'data/']) {
    for await (const { name } of backend.list(ctx, prefix)) {
      throw new OperationError(
        'repository-exists',
        `${backend.location} holds the data of a repository without config`,
        {
          hint: 'restore the `config` object and the keys from a copy of the repository, or choose an empty place',
          detail: { object: name },
        },
      );
    }
  }
}

function exists(backend: Backend): OperationError {
  return new OperationError('repository-exists', `there is already a repository at ${backend.location}`, {
    hint: 'choose an empty place, or use the one that is there',
  });
}
