import type { Context } from '../../base/context.ts';
import { serializeIndex, type IndexedPack } from '../index/indexDocument.ts';
import { readIndexDocuments } from '../index/indexDocuments.ts';
import type { Repository } from '../repository.ts';

/** Documents below this size are joined once there are this many: each costs every client a request. */
const smallDocumentBlobs = 10_000;
const manySmallDocuments = 10;
const blobsPerDocument = 50_000;

export interface IndexRewrite {
  readonly indexIds: readonly string[];
  /** Packs that no document may name any more. */
  readonly drop: ReadonlySet<string>;
}

/**
 * Writes new index documents in place of those that name a pack to be dropped, or one that another document names too,
 * or that are many and small. Resolves with the ids of the documents that are superseded, once the new ones are
 * durable.
 */
export async function rewriteIndex(ctx: Context, repository: Repository, rewrite: IndexRewrite): Promise<string[]> {
  const { superseded, surplus } = await findSuperseded(ctx, repository, rewrite);
  let packs: IndexedPack[] = [];
  let blobs = 0;
  const save = async (): Promise<void> => {
    if (packs.length > 0) await repository.saveDocument(ctx, 'index', serializeIndex(packs));
    packs = [];
    blobs = 0;
  };
  for await (const document of readIndexDocuments(ctx, repository, superseded)) {
    for (const pack of document.packs) {
      if (rewrite.drop.has(pack.id) || surplus.get(document.id)?.has(pack.id) === true) continue;
      packs.push(pack);
      blobs += pack.blobs.length;
      if (blobs >= blobsPerDocument) await save();
    }
  }
  await save();
  return superseded;
}

interface Superseded {
  readonly superseded: string[];
  /** By document: packs that an earlier document names as well. */
  readonly surplus: ReadonlyMap<string, ReadonlySet<string>>;
}

async function findSuperseded(ctx: Context, repository: Repository, rewrite: IndexRewrite): Promise<Superseded> {
  const seen = new Set<string>();
  const superseded: string[] = [];
  const surplus = new Map<string, ReadonlySet<string>>();
  const small: string[] = [];
  for await (const { id, packs } of readIndexDocuments(ctx, repository, rewrite.indexIds)) {
    const twice = new Set<string>();
    let blobs = 0;
    for (const pack of packs) {
      if (seen.has(pack.id)) twice.add(pack.id);
      seen.add(pack.id);
      blobs += pack.blobs.length;
    }
    if (twice.size > 0) surplus.set(id, twice);
    if (twice.size > 0 || packs.length === 0 || packs.some((pack) => rewrite.drop.has(pack.id))) superseded.push(id);
    else if (blobs < smallDocumentBlobs) small.push(id);
  }
  if (small.length >= manySmallDocuments) superseded.push(...small);
  return { superseded, surplus };
}
