import { createPageScanner } from '../postgres/pageScan.ts';
import { crc32c } from '../postgres/crc32c.ts';
import { toLsn } from '../postgres/lsn.ts';
import type { QuickEqual } from '../restorer/quickEqual.ts';

/** Options of the comparison; cloned into worker threads. */
export interface PageEqualityOptions {
  /** Where the backup started. */
  readonly startLsn: bigint;
  readonly blockBytes: number;
  readonly blocksPerSegment: number;
}

/** What is known of a main fork: which segment it is, and the CRC-32C of each of its chunks. */
export interface PageProof {
  readonly segment: number;
  readonly crcs: Uint32Array;
}

/**
 * Tells without SHA-256 that a chunk of a relation's main fork is what the backup holds: every page is sound by its own
 * checksum and older than the backup, and the CRC-32C of the chunk is the one recorded. A page that was written to
 * since has a newer LSN, so only damage could deceive, and it would have to keep both checksums (docs/decisions/0006).
 */
export function createQuickEqual({ startLsn, blockBytes, blocksPerSegment }: PageEqualityOptions): QuickEqual {
  const scanner = createPageScanner();
  return (proof: PageProof, { index, offset, bytes }) => {
    if (crc32c(bytes) !== proof.crcs[index]) return false;
    const { changedChunks } = scanner.scanBuffer(bytes, {
      firstBlock: proof.segment * blocksPerSegment + offset / blockBytes,
      startLsn: toLsn(startLsn),
      checksums: true,
      chunkBytes: Math.ceil(bytes.length / blockBytes) * blockBytes,
      blockSize: blockBytes,
    });
    return changedChunks.every((changed) => changed === 0);
  };
}
