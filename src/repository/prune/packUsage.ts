import type { BlobType } from '../blob.ts';
import type { IndexedPack } from '../index/indexDocument.ts';
import type { UsedBlobs } from './usedBlobs.ts';

/** How much of a pack is needed. Bytes are those of sealed blobs. */
export interface PackUsage {
  readonly id: string;
  readonly type: BlobType | 'mixed';
  readonly sizeBytes: number;
  usedBlobs: number;
  usedBytes: number;
  unusedBlobs: number;
  unusedBytes: number;
  /** Of the unused blobs, those that are needed and stay in another copy. */
  duplicateBlobs: number;
  /** Clients always compress trees, and write those anew that are not. */
  readonly hasPlainTrees: boolean;
}

/** Counts what is needed of a pack; a contested blob counts as a duplicate until a copy is chosen. */
export function measurePack(pack: IndexedPack, sizeBytes: number, used: UsedBlobs): PackUsage {
  const types = new Set(pack.blobs.map(({ type }) => type));
  const usage: PackUsage = {
    id: pack.id,
    type: types.size > 1 ? 'mixed' : (pack.blobs[0]?.type ?? 'data'),
    sizeBytes,
    usedBlobs: 0,
    usedBytes: 0,
    unusedBlobs: 0,
    unusedBytes: 0,
    duplicateBlobs: 0,
    hasPlainTrees: pack.blobs.some(({ type, rawLength }) => type === 'tree' && rawLength === 0),
  };
  for (const blob of pack.blobs) {
    if (used.isNeeded(blob) && !used.isContested(blob)) {
      usage.usedBlobs++;
      usage.usedBytes += blob.length;
    } else {
      usage.unusedBlobs++;
      usage.unusedBytes += blob.length;
      if (used.isContested(blob)) usage.duplicateBlobs++;
    }
  }
  return usage;
}

/**
 * Chooses, of blobs with several copies, the one that stays: the first in a pack that is needed anyway, so that packs
 * of nothing but copies (an interrupted prune leaves them) can go; else the last.
 */
export function chooseCopies(pack: IndexedPack, usage: PackUsage, used: UsedBlobs): void {
  for (const blob of pack.blobs) {
    if (!used.isContested(blob) || !used.choose(pack.id, blob, usage.usedBlobs > 0)) continue;
    usage.usedBlobs++;
    usage.usedBytes += blob.length;
    usage.unusedBlobs--;
    usage.unusedBytes -= blob.length;
    usage.duplicateBlobs--;
  }
}
