import { hash } from 'node:crypto';
import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { BlobType } from './blob.ts';
import type { MasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';
import { createRepository, type InitOptions } from './createRepository.ts';
import { ZstdDecompressor } from './crypto/zstd.ts';
import { listIds, loadDocument, saveDocument, type DocumentKind } from './documents.ts';
import { RepositoryIndex } from './index/repositoryIndex.ts';
import { openConfig, type Credentials, type OpenedConfig } from './openConfig.ts';
import { packObjectName } from './pack/packSink.ts';
import type { RepositoryConfig } from './repositoryConfig.ts';

/** Documents and blobs in flight at once when many are loaded. */
const loadConcurrency = 8;
const indexTries = 3;

/**
 * An open repository of restic's format version 2 (docs/design/repository.md): documents, blobs and the index. Locks
 * are the caller's business (lock.ts), and so is the order of writes (upload.ts).
 */
export class Repository {
  readonly backend: Backend;
  readonly config: RepositoryConfig;
  /** Id of the key file that opened it. */
  readonly keyId: string;
  readonly masterKey: MasterKey;
  readonly sealer: Sealer;
  readonly #decompressor = new ZstdDecompressor();
  readonly #guards = new Set<() => Promise<void>>();
  #index: Promise<RepositoryIndex> | undefined;

  private constructor(backend: Backend, opened: OpenedConfig) {
    this.backend = backend;
    this.config = opened.config;
    this.keyId = opened.keyId;
    this.masterKey = opened.masterKey;
    this.sealer = new Sealer(opened.masterKey);
  }

  /** Creates a repository where there is none. Throws `repository-exists`. */
  static async init(ctx: Context, backend: Backend, options: InitOptions): Promise<Repository> {
    return new Repository(backend, await createRepository(ctx, backend, options));
  }

  /**
   * Opens a repository. Throws `repository-missing`, `wrong-password`, `repository-damaged`, `repository-unsupported`.
   */
  static async open(ctx: Context, backend: Backend, credentials: Credentials): Promise<Repository> {
    return new Repository(backend, await openConfig(ctx, backend, credentials));
  }

  listIds(ctx: Context, kind: DocumentKind): Promise<string[]> {
    return listIds(ctx, this.backend, kind);
  }

  loadDocument(ctx: Context, kind: DocumentKind, id: string): Promise<Buffer> {
    return loadDocument(ctx, this, { kind, id });
  }

  /**
   * Stores a document; anything but a lock only while every lock that is held through this object is really there: who
   * prunes without it may have removed packs that an index or a snapshot of ours would name.
   */
  async saveDocument(ctx: Context, kind: DocumentKind, json: Uint8Array): Promise<string> {
    if (kind !== 'locks') for (const check of this.#guards) await check();
    return saveDocument(ctx, this, { kind, json });
  }

  /** Has `check` called before any document but a lock is saved, until the function that is returned is called. */
  guardDocuments(check: () => Promise<void>): () => void {
    this.#guards.add(check);
    return () => void this.#guards.delete(check);
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

  /** Takes an index that the caller has loaded in its own way, whatever parts of it could not be read. */
  adoptIndex(index: RepositoryIndex): void {
    this.#index = Promise.resolve(index);
  }

  /** Throws `backend-denied` when the configuration says that nobody may delete (rustic's extension). */
  requireDeletable(): void {
    if (!this.config.appendOnly) return;
    throw new OperationError('backend-denied', `the repository at ${this.backend.location} is append-only`, {
      hint: 'its configuration says that nobody may delete: `rustic config --set-append-only false` lifts that',
    });
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
      throw new OperationError('repository-damaged', `${object} is damaged: a blob is not authentic`, {
        detail: { object },
      });
    }
    const plain = this.sealer.open(sealed);
    if (rawLength === 0) return plain;
    const target = Buffer.allocUnsafe(rawLength);
    this.#decompressor.decompressInto(plain, target, 0, rawLength);
    return target;
  }

  /** Begins again when somebody's prune has replaced a document since it was listed. */
  async #loadIndex(ctx: Context): Promise<RepositoryIndex> {
    for (let triesLeft = indexTries - 1; ; triesLeft--) {
      try {
        return await this.#readIndex(ctx);
      } catch (error) {
        if (!isOperationError(error, 'object-missing') || triesLeft === 0) throw error;
      }
    }
  }

  async #readIndex(ctx: Context): Promise<RepositoryIndex> {
    const ids = await this.listIds(ctx, 'index');
    const index = new RepositoryIndex();
    for (let at = 0; at < ids.length; at += loadConcurrency) {
      const batch = ids.slice(at, at + loadConcurrency);
      const documents = await Promise.all(batch.map((id) => this.loadDocument(ctx, 'index', id)));
      for (const document of documents) index.addDocument(document);
    }
    return index;
  }
}

function damagedBlob(id: string, object: string, reason: string): OperationError {
  return new OperationError('repository-damaged', `blob ${id.slice(0, 8)} in ${object} is damaged: ${reason}`, {
    detail: { blob: id, object },
  });
}
