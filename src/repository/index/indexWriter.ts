import type { Context } from '../../base/context.ts';
import type { StoredPack } from '../pack/packWriter.ts';
import type { Repository } from '../repository.ts';
import { serializeIndex } from './indexDocument.ts';
import type { RepositoryIndex } from './repositoryIndex.ts';

/** An index document is saved when it describes this many blobs ... */
const blobsPerDocument = 50_000;
/** ... or is this old, so that an interrupted backup does not have to send again what it has sent. */
const documentAgeMs = 20_000;

/** Collects packs as they become durable and saves index documents about them. */
export class IndexWriter {
  readonly #repository: Repository;
  readonly #index: RepositoryIndex;
  #packs: StoredPack[] = [];
  #blobs = 0;
  #oldestMs: number | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(repository: Repository, index: RepositoryIndex) {
    this.#repository = repository;
    this.#index = index;
  }

  /** Takes note of a durable pack. A failure to save shows at the next `flush`. */
  add(ctx: Context, pack: StoredPack): void {
    this.#index.addStored(pack);
    this.#packs.push(pack);
    this.#blobs += pack.entries.length;
    const now = ctx.clock.monotonicMs();
    this.#oldestMs ??= now;
    if (this.#blobs >= blobsPerDocument || now - this.#oldestMs >= documentAgeMs) this.#save(ctx);
  }

  /** Resolves when every pack added is in a durable index document. */
  async flush(ctx: Context): Promise<void> {
    this.#save(ctx);
    await this.#saving;
  }

  #save(ctx: Context): void {
    if (this.#packs.length === 0) return;
    const packs = this.#packs;
    this.#packs = [];
    this.#blobs = 0;
    this.#oldestMs = undefined;
    this.#saving = this.#saving.then(async () => {
      const json = serializeIndex(packs.values().map((pack) => this.#index.describeStored(pack)));
      await this.#repository.saveDocument(ctx, 'index', json);
    });
    // reported by flush; until then it is not unhandled
    this.#saving.catch(() => undefined);
  }
}
