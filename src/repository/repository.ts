import { hash } from 'node:crypto';
import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { BlobType } from './blob.ts';
import { generateMasterKey, type MasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';
import { ZstdDecompressor } from './crypto/zstd.ts';
import type { ScryptCost } from './crypto/keyDerivation.ts';
import { listIds, loadDocument, saveDocument, type DocumentKind } from './documents.ts';
import { parseIndex } from './index/indexDocument.ts';
import { RepositoryIndex } from './index/repositoryIndex.ts';
import { createKeyFile, openKeyFile, parseKeyFile, type KeyOwner } from './keyFile.ts';
import { packObjectName } from './pack/packSink.ts';
import { createConfig, parseConfig, serializeConfig, type RepositoryConfig } from './repositoryConfig.ts';

export interface InitOptions {
  readonly password: Secret;
  readonly owner?: KeyOwner;
  readonly cost?: ScryptCost;
  /** Polynomial of another repository, so that copies between both deduplicate. */
  readonly chunkerPolynomial?: bigint;
}

/** What opens a repository: a password, or the master key from an unwrapped-key cache. */
export type Credentials =
  | { readonly password: Secret; readonly keyHint?: string }
  | { readonly masterKey: MasterKey; readonly keyId: string };

/** restic tries no more keys than this. */
const maxKeysTried = 20;
/** Documents and blobs in flight at once when many are loaded. */
const loadConcurrency = 8;

/**
 * An open repository of restic's format version 2 (docs/design/repository.md): documents, blobs and the index. Locks are
 * the caller's business (lock.ts), and so is the order of writes (upload.ts).
 */
export class Repository {
  readonly backend: Backend;
  readonly config: RepositoryConfig;
  /** Id of the key file that opened it. */
  readonly keyId: string;
  readonly masterKey: MasterKey;
  readonly sealer: Sealer;
  readonly #decompressor = new ZstdDecompressor();
  #index: Promise<RepositoryIndex> | undefined;

  private constructor(backend: Backend, opened: { config: RepositoryConfig; keyId: string; masterKey: MasterKey }) {
    this.backend = backend;
    this.config = opened.config;
    this.keyId = opened.keyId;
    this.masterKey = opened.masterKey;
    this.sealer = new Sealer(opened.masterKey);
  }

  /** Creates a repository where there is none. Throws `repository-exists` when any key or the config is there. */
  static async init(ctx: Context, backend: Backend, options: InitOptions): Promise<Repository> {
    if ((await backend.stat(ctx, 'config')) !== undefined) throw exists(backend);
    if ((await listIds(ctx, backend, 'keys')).length > 0) throw exists(backend);
    const config = createConfig(options.chunkerPolynomial);
    const masterKey = generateMasterKey();
    const { id, bytes } = await createKeyFile(masterKey, options.password.reveal(), { ...options, now: ctx.clock.now() });
    await backend.put(ctx, `keys/${id}`, bytes);
    try {
      await backend.put(ctx, 'config', new Sealer(masterKey).seal(serializeConfig(config)), { ifAbsent: true });
    } catch (error) {
      // somebody else won: our key opens nothing and would only confuse other clients
      if (isOperationError(error, 'object-exists')) await backend.delete(ctx, `keys/${id}`);
      throw isOperationError(error, 'object-exists') ? exists(backend) : error;
    }
    return new Repository(backend, { config, keyId: id, masterKey });
  }

  /**
   * Opens a repository. Throws `repository-missing`, `wrong-password`, `repository-damaged`.
   * Keys are tried until one of them also opens the configuration: an aborted init may have left another.
   */
  static async open(ctx: Context, backend: Backend, credentials: Credentials): Promise<Repository> {
    let sealedConfig: Buffer;
    try {
      sealedConfig = await backend.get(ctx, 'config');
    } catch (error) {
      if (!isOperationError(error, 'object-missing')) throw error;
      throw new OperationError('repository-missing', `there is no repository at ${backend.location}`, {
        hint: 'is the location right? `understudy init` creates a repository',
      });
    }
    const opened =
      'masterKey' in credentials
        ? acceptKey(credentials.masterKey, credentials.keyId, sealedConfig)
        : await tryKeys(ctx, backend, { credentials, sealedConfig });
    if (opened === undefined) {
      throw new OperationError('wrong-password', `no key of ${backend.location} opens with this password`, {
        hint: 'is it the password of this repository? UNDERSTUDY_PASSWORD, --password-file and --password-command give it',
      });
    }
    return new Repository(backend, opened);
  }

  listIds(ctx: Context, kind: DocumentKind): Promise<string[]> {
    return listIds(ctx, this.backend, kind);
  }

  loadDocument(ctx: Context, kind: DocumentKind, id: string): Promise<Buffer> {
    return loadDocument(ctx, this, { kind, id });
  }

  saveDocument(ctx: Context, kind: DocumentKind, json: Uint8Array): Promise<string> {
    return saveDocument(ctx, this, { kind, json });
  }

  removeDocument(ctx: Context, kind: DocumentKind, id: string): Promise<void> {
    return this.backend.delete(ctx, `${kind}/${id}`);
  }

  /** The index of everything stored; loaded once. Snapshots must be listed before it (restic design, "Locks"). */
  index(ctx: Context): Promise<RepositoryIndex> {
    this.#index ??= this.#loadIndex(ctx).catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return this.#index;
  }

  /** Forgets the loaded index, after somebody may have changed it. */
  forgetIndex(): void {
    this.#index = undefined;
  }

  /** Loads one blob: fetched by range, authenticated, decompressed, and its hash compared with its id. */
  async loadBlob(ctx: Context, type: BlobType, id: string): Promise<Buffer> {
    const location = (await this.index(ctx)).find(type, id);
    if (location === undefined) {
      throw new OperationError('repository-damaged', `${type} blob ${id.slice(0, 8)} is in no index`, {
        hint: 'run `understudy check`',
        detail: { blob: id },
      });
    }
    const name = packObjectName(location.packId);
    const sealed = await this.backend.get(ctx, name, location);
    const blob = this.#openBlob(sealed, location.rawLength, name);
    if (hash('sha256', blob, 'hex') !== id) throw damagedBlob(id, name, 'its content does not match its id');
    return blob;
  }

  #openBlob(sealed: Buffer, rawLength: number, object: string): Buffer {
    if (!this.sealer.isAuthentic(sealed)) {
      throw new OperationError('repository-damaged', `${object} is damaged: a blob is not authentic`, { detail: { object } });
    }
    const plain = this.sealer.open(sealed);
    if (rawLength === 0) return plain;
    const target = Buffer.allocUnsafe(rawLength);
    this.#decompressor.decompressInto(plain, target, 0, rawLength);
    return target;
  }

  async #loadIndex(ctx: Context): Promise<RepositoryIndex> {
    const ids = await this.listIds(ctx, 'index');
    const index = new RepositoryIndex();
    for (let at = 0; at < ids.length; at += loadConcurrency) {
      const batch = ids.slice(at, at + loadConcurrency);
      const documents = await Promise.all(batch.map((id) => this.loadDocument(ctx, 'index', id)));
      for (const document of documents) for (const pack of parseIndex(document)) index.addPack(pack);
    }
    return index;
  }
}

interface Opened {
  readonly config: RepositoryConfig;
  readonly keyId: string;
  readonly masterKey: MasterKey;
}

function acceptKey(masterKey: MasterKey, keyId: string, sealedConfig: Buffer): Opened | undefined {
  const sealer = new Sealer(masterKey);
  if (!sealer.isAuthentic(sealedConfig)) return undefined;
  return { masterKey, keyId, config: parseConfig(sealer.open(sealedConfig)) };
}

async function tryKeys(
  ctx: Context,
  backend: Backend,
  given: { credentials: { password: Secret; keyHint?: string }; sealedConfig: Buffer },
): Promise<Opened | undefined> {
  const { password, keyHint } = given.credentials;
  const ids = await listIds(ctx, backend, 'keys');
  if (keyHint !== undefined) ids.sort((a, b) => Number(b.startsWith(keyHint)) - Number(a.startsWith(keyHint)));
  let unusable: unknown;
  let matched = false;
  for (const id of ids.slice(0, maxKeysTried)) {
    try {
      const bytes = await backend.get(ctx, `keys/${id}`);
      const masterKey = await openKeyFile(parseKeyFile(bytes, id), password.reveal());
      if (masterKey === undefined) continue;
      matched = true;
      const opened = acceptKey(masterKey, id, given.sealedConfig);
      if (opened !== undefined) return opened;
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'repository-unsupported', 'object-missing')) throw error;
      unusable ??= error;
    }
  }
  if (matched) {
    throw new OperationError('repository-damaged', 'the repository configuration is damaged: no key opens it', {
      hint: 'restore the `config` object from a copy of the repository',
    });
  }
  if (unusable !== undefined) throw unusable;
  return undefined;
}

function exists(backend: Backend): OperationError {
  return new OperationError('repository-exists', `there is already a repository at ${backend.location}`, {
    hint: 'choose an empty place, or use the one that is there',
  });
}

function damagedBlob(id: string, object: string, reason: string): OperationError {
  return new OperationError('repository-damaged', `blob ${id.slice(0, 8)} in ${object} is damaged: ${reason}`, {
    detail: { blob: id, object },
  });
}
