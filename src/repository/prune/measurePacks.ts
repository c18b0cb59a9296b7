import { OperationError } from '../../base/errors.ts';
import type { IndexedPack } from '../index/indexDocument.ts';
import type { ReadIndexDocument } from '../index/indexDocuments.ts';
import { expectedPackBytes } from '../pack/packHeader.ts';
import type { PackListing } from '../packListing.ts';
import { chooseCopies, measurePack, type PackUsage } from './packUsage.ts';
import { UsedBlobs } from './usedBlobs.ts';

/** What the index says about the packs, compared with those that are there. */
export interface CollectedPacks {
  readonly used: UsedBlobs;
  /** Size of each pack that is there as the index says, by id. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Packs that the index names and that are missing or have another size: their blobs count as absent. */
  readonly unsound: ReadonlySet<string>;
}

/** Collects the blobs of all packs that are there. Throws `repository-damaged` when documents contradict each other. */
export async function collectPacks(
  documents: AsyncIterable<ReadIndexDocument>,
  listing: PackListing,
): Promise<CollectedPacks> {
  const used = new UsedBlobs();
  const sizes = new Map<string, number>();
  const unsound = new Set<string>();
  for await (const { packs } of documents) {
    for (const pack of packs) {
      const sizeBytes = expectedPackBytes(pack.blobs);
      const known = sizes.get(pack.id);
      if (known !== undefined) {
        if (known !== sizeBytes || !pack.blobs.every((blob) => used.index.has(blob.type, blob.id)))
          throw contradiction(pack);
        continue;
      }
      if (listing.sizes.get(pack.id) === sizeBytes) {
        sizes.set(pack.id, sizeBytes);
        used.addPack(pack);
      } else unsound.add(pack.id);
    }
  }
  for (const id of unsound) if (sizes.has(id)) throw contradiction({ id });
  return { used, sizes, unsound };
}

/** Counts for each pack what of it is needed, and chooses among copies. Reads the index documents once or twice. */
export async function measurePacks(
  read: () => AsyncIterable<ReadIndexDocument>,
  { used, sizes }: CollectedPacks,
): Promise<PackUsage[]> {
  const usages = new Map<string, PackUsage>();
  for await (const { packs } of read()) {
    for (const pack of packs) {
      const sizeBytes = sizes.get(pack.id);
      if (sizeBytes !== undefined && !usages.has(pack.id)) usages.set(pack.id, measurePack(pack, sizeBytes, used));
    }
  }
  if ([...usages.values()].some(({ duplicateBlobs }) => duplicateBlobs > 0)) await chooseAll(read(), usages, used);
  return [...usages.values()];
}

async function chooseAll(
  documents: AsyncIterable<ReadIndexDocument>,
  usages: ReadonlyMap<string, PackUsage>,
  used: UsedBlobs,
): Promise<void> {
  const seen = new Set<string>();
  for await (const { packs } of documents) {
    for (const pack of packs) {
      const usage = usages.get(pack.id);
      if (usage === undefined || seen.has(pack.id)) continue;
      seen.add(pack.id);
      chooseCopies(pack, usage, used);
    }
  }
}

function contradiction({ id }: Pick<IndexedPack, 'id'>): OperationError {
  return new OperationError('repository-damaged', `index documents contradict each other about pack ${id}`, {
    hint: 'nothing was changed; run `understudy check`, then rebuild the index: `restic repair index`',
    detail: { pack: id },
  });
}
