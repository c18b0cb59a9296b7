import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { readIndexDocuments } from './index/indexDocuments.ts';
import { listPacks } from './packListing.ts';
import type { PackSize } from './dataSubset.ts';
import { choosePacks, type RepackOptions } from './prune/choosePacks.ts';
import { markReferences } from './prune/markReferences.ts';
import { collectPacks, measurePacks, type CollectedPacks } from './prune/measurePacks.ts';
import type { PackUsage } from './prune/packUsage.ts';
import type { References } from './references.ts';
import type { Repository } from './repository.ts';

export type { RepackOptions } from './prune/choosePacks.ts';

export interface PruneOptions extends RepackOptions {
  /** `snapshotReferences` of the snapshot layer. */
  readonly references: References;
  readonly progress?: Progress;
}

/** What a prune would do. It holds for the repository as it was when the plan was made. */
export interface PrunePlan {
  readonly snapshotIds: readonly string[];
  readonly indexIds: readonly string[];
  /** Packs in no index: left by operations that were cut short. */
  readonly unindexed: readonly PackSize[];
  /** Packs of which nothing is needed. */
  readonly remove: readonly PackSize[];
  /** Packs of which the needed part is written anew. */
  readonly repack: readonly PackUsage[];
  /** Packs that the index names, that are not there and that nobody needs: the index will not name them any more. */
  readonly missing: readonly string[];
  readonly stats: PruneStats;
  readonly collected: CollectedPacks;
  readonly repackOptions: RepackOptions;
}

export interface PruneStats {
  readonly snapshots: number;
  readonly packs: number;
  /** Sealed bytes of blobs that snapshots need, and of the others in packs that the index knows. */
  readonly usedBytes: number;
  readonly unusedBytes: number;
  /** Blobs that are there more often than needed. */
  readonly duplicateBlobs: number;
  /** Of the used bytes, those that are copied to new packs. */
  readonly copiedBytes: number;
  /** Space that will be free afterwards. */
  readonly freedBytes: number;
  /** What stays unused. */
  readonly unusedBytesAfter: number;
}

/**
 * Decides what a prune does and changes nothing. The caller holds an exclusive lock and keeps it for `applyPrune`; for
 * a dry run a shared one is enough. Throws `repository-damaged` when anything that snapshots need cannot be read: what
 * cannot be judged must not be deleted. Blobs that only rustic's `packs_to_delete` lists count as absent.
 */
export async function planPrune(ctx: Context, repository: Repository, options: PruneOptions): Promise<PrunePlan> {
  const { references, progress = silentProgress } = options;
  progress.phase('loading snapshots and index');
  const roots = await references.load(ctx, repository);
  const indexIds = (await repository.listIds(ctx, 'index')).sort();
  const listing = await listPacks(ctx, repository.backend);
  const collected = await collectPacks(readIndexDocuments(ctx, repository, indexIds), listing);
  progress.phase('finding what snapshots need');
  try {
    await markReferences(ctx, repository, { references, roots, used: collected.used });
  } finally {
    repository.forgetIndex(); // the one that was used for it leaves out what is damaged
  }
  const packs = await measurePacks(() => readIndexDocuments(ctx, repository, indexIds), collected);
  const { remove, repack } = choosePacks(packs, options);
  const unindexed = [...listing.sizes]
    .filter(([id]) => !collected.sizes.has(id) && !collected.unsound.has(id))
    .map(([id, sizeBytes]) => ({ id, sizeBytes }));
  const wrongSize = [...collected.unsound].filter((id) => listing.sizes.has(id));
  const damaged = wrongSize.map((id) => ({ id, sizeBytes: listing.sizes.get(id) ?? 0 }));
  return {
    snapshotIds: roots.map(({ id }) => id),
    indexIds,
    unindexed,
    remove: [...remove, ...damaged],
    repack,
    missing: [...collected.unsound].filter((id) => !listing.sizes.has(id)),
    stats: summarize({
      snapshots: roots.length,
      packs,
      remove: [...remove, ...damaged, ...unindexed],
      repack,
      gone: remove,
    }),
    collected,
    repackOptions: options,
  };
}

function summarize(found: {
  readonly snapshots: number;
  readonly packs: readonly PackUsage[];
  readonly remove: readonly PackSize[];
  readonly gone: readonly PackUsage[];
  readonly repack: readonly PackUsage[];
}): PruneStats {
  const { packs, repack, gone } = found;
  const unusedBytes = total(packs, ({ unusedBytes: bytes }) => bytes);
  const repackedUnused = total(repack, ({ unusedBytes: bytes }) => bytes);
  return {
    snapshots: found.snapshots,
    packs: packs.length,
    usedBytes: total(packs, ({ usedBytes }) => usedBytes),
    unusedBytes,
    duplicateBlobs: total(packs, ({ duplicateBlobs }) => duplicateBlobs),
    copiedBytes: total(repack, ({ usedBytes }) => usedBytes),
    freedBytes: total(found.remove, ({ sizeBytes }) => sizeBytes) + repackedUnused,
    unusedBytesAfter: unusedBytes - repackedUnused - total(gone, ({ unusedBytes: bytes }) => bytes),
  };
}

function total<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + bytesOf(item), 0);
}
