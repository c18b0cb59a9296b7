import type { Context } from '../../base/context.ts';
import { forEachConcurrently } from '../../base/concurrency.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { BlobProblem } from '../../repository/blobConsumer.ts';
import type { Repository } from '../../repository/repository.ts';
import { ObjectSealer } from '../../repository/sealedObject.ts';
import { WalArchive } from '../../wal/walArchive.ts';
import { parseWalObjectName } from '../../wal/walObjectName.ts';

export interface SealedObjectsRead {
  readonly objects: number;
  readonly problems: readonly BlobProblem[];
}

/** Objects read at the same time; each is at most one WAL segment. */
const readConcurrency = 4;

/**
 * Reads whole every object that is neither a key, a document nor a pack: the configuration, the WAL archive, and what
 * Understudy keeps for itself. Each must be authentic and hold what its name says. Damage is a result, not an error.
 */
export async function readSealedObjects(
  ctx: Context,
  repository: Repository,
  progress: Progress,
): Promise<SealedObjectsRead> {
  const { backend } = repository;
  const names = ['config'];
  for (const prefix of ['wal/', 'understudy/'])
    for await (const { name } of backend.list(ctx, prefix)) names.push(name);
  progress.phase('reading WAL and configuration', { items: names.length });
  const problems: BlobProblem[] = [];
  const reader = new SealedObjectReader(repository);
  await forEachConcurrently(names, readConcurrency, async (object) => {
    ctx.signal.throwIfAborted();
    const problem = await reader.problemOf(ctx, object);
    if (problem !== undefined) problems.push({ object, problem });
    progress.advance({ items: 1 });
  });
  return { objects: names.length, problems };
}

const damage = ['repository-damaged', 'repository-unsupported', 'wal-invalid', 'cluster-mismatch'] as const;

class SealedObjectReader {
  readonly #repository: Repository;
  readonly #sealer: ObjectSealer;
  readonly #archives = new Map<SystemIdentifier, WalArchive>();

  constructor(repository: Repository) {
    this.#repository = repository;
    this.#sealer = new ObjectSealer(repository.masterKey);
  }

  /** Undefined when the object is good, or gone meanwhile. */
  async problemOf(ctx: Context, name: string): Promise<string | undefined> {
    try {
      if (name.startsWith('wal/')) return await this.#readWal(ctx, name);
      this.#sealer.open(await this.#repository.backend.get(ctx, name));
      return undefined;
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return undefined;
      if (!isOperationError(error, ...damage)) throw error;
      return error.message;
    }
  }

  async #readWal(ctx: Context, name: string): Promise<string | undefined> {
    const text = name.split('/')[1] ?? '';
    if (!/^\d{1,20}$/.test(text)) return 'it is no object of a WAL archive';
    const archive = this.#archiveOf(parseSystemIdentifier(text));
    const file = parseWalObjectName(archive.systemIdentifier, name);
    if (file === undefined) return 'it is no object of a WAL archive';
    await archive.get(ctx, file);
    return undefined;
  }

  #archiveOf(cluster: SystemIdentifier): WalArchive {
    const known = this.#archives.get(cluster) ?? WalArchive.of(this.#repository, cluster);
    this.#archives.set(cluster, known);
    return known;
  }
}
