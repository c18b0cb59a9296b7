import { readSync } from 'node:fs';
import { toLsn } from '../../postgres/lsn.ts';
import { createPageScanner, type PageScan, type PageScanOptions } from '../../postgres/pageScan.ts';
import type { Piece, RangeInspector } from '../../repository/rangeInspector.ts';

/** Options of the inspector; cloned into worker threads. LSNs are bigint. */
export interface PageInspectorOptions {
  /** Where this backup started. */
  readonly startLsn: bigint;
  /** Where the parent started, when pages older than that are proved unchanged. */
  readonly sinceLsn: bigint | undefined;
  readonly checksums: boolean;
  readonly blockBytes: number;
  readonly blocksPerSegment: number;
}

/** What one thread found. */
export interface PageReport {
  readonly pages: number;
  readonly badCount: number;
  readonly bad: readonly { readonly file: number; readonly block: number }[];
}

/** `tag` of a file that holds no relation pages. */
export const notPages = -1;

/** `tag` of a relation file: its segment number, and whether unchanged pages may be told by their LSN. */
export function pageTag(segment: number, trustLsn: boolean): number {
  return segment * 2 + (trustLsn ? 1 : 0);
}

const rereadLimit = 5;
const rereadPauseMs = 20;
const maxReported = 100;
const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Looks at every relation page on its way into the backup: verifies its checksum, reads a torn one again (as
 * basebackup.c does), and tells chunks that no page changed in since the parent started.
 */
export function createInspector(options: PageInspectorOptions, pieceBytes: number): RangeInspector {
  const scanner = createPageScanner({ arenaBytes: Math.ceil(pieceBytes / 65536) * 65536 });
  const { blockBytes, blocksPerSegment, startLsn, sinceLsn, checksums } = options;
  let pages = 0;
  let badCount = 0;
  const bad: { file: number; block: number }[] = [];

  function scan(piece: Piece): PageScan {
    const segment = Math.floor(piece.tag / 2);
    const scanOptions: PageScanOptions = {
      firstBlock: segment * blocksPerSegment + piece.offset / blockBytes,
      startLsn: toLsn(startLsn),
      ...(sinceLsn === undefined ? {} : { sinceLsn: toLsn(sinceLsn) }),
      checksums,
      chunkBytes: piece.chunkBytes,
      blockSize: blockBytes,
    };
    return scanner.scan({ ...scanOptions, lengthBytes: piece.length });
  }

  return {
    buffer: scanner.buffer,
    inspect(piece) {
      if (piece.tag === notPages) return undefined;
      let found = scan(piece);
      for (let attempt = 0; attempt < rereadLimit && wrong(found).length > 0; attempt++) {
        if (attempt > 0) Atomics.wait(pauseCell, 0, 0, rereadPauseMs);
        reread(scanner.buffer, piece, { blocks: wrong(found), blockBytes, blocksPerSegment });
        found = scan(piece);
      }
      pages += found.pages;
      for (const block of wrong(found)) {
        badCount++;
        if (bad.length < maxReported) bad.push({ file: piece.file, block });
      }
      return piece.tag % 2 === 1 && sinceLsn !== undefined ? unchanged(found) : undefined;
    },
    report: (): PageReport => ({ pages, badCount, bad }),
  };
}

function wrong(found: PageScan): readonly number[] {
  return found.invalidBlocks.length === 0
    ? found.badBlocks
    : [...new Set([...found.badBlocks, ...found.invalidBlocks])];
}

function unchanged(found: PageScan): Uint8Array {
  return found.changedChunks.map((changed) => 1 - changed);
}

function reread(
  buffer: Buffer,
  piece: Piece,
  wrongPages: { blocks: readonly number[]; blockBytes: number; blocksPerSegment: number },
): void {
  const { blocks, blockBytes, blocksPerSegment } = wrongPages;
  const firstBlock = Math.floor(piece.tag / 2) * blocksPerSegment + piece.offset / blockBytes;
  for (const block of blocks) {
    const at = (block - firstBlock) * blockBytes;
    readSync(piece.fd, buffer, at, blockBytes, piece.offset + at);
  }
}
