/**
 * Inspects the pages of a relation file: page checksums, page LSNs, new pages, impossible headers.
 *
 * The work is done by a WebAssembly kernel (wasm/pageScan.ts) on memory into which callers read files directly.
 * Rules of basebackup.c: a page is verified unless it is new or was written after the backup began (it may be torn
 * then, and WAL replay brings it whole). Stricter in two places: a page that says it is new must be all zero, and a
 * header that PostgreSQL could not have written is reported even when its LSN forbids looking at the checksum.
 * pageHeader.ts is the readable reference for a single page.
 */
import { assert } from '../base/errors.ts';
import { addressIn, instantiateWasm } from '../base/wasm.ts';
import { pageScanWasm } from './generated/pageScanWasm.ts';
import { invalidLsn, toLsn, type Lsn } from './lsn.ts';

export interface PageScanOptions {
  /** Block number of the first page in its relation: segment number times blocks per segment plus block in the file. */
  readonly firstBlock: number;
  /** Where this backup started: pages with a lower LSN are verified. */
  readonly startLsn: Lsn;
  /** Pages at or above this LSN count as changed: where the previous backup started. Default: `startLsn`. */
  readonly sinceLsn?: Lsn;
  /** Whether the cluster has data checksums. Without them only headers and new pages can be judged. */
  readonly checksums: boolean;
  /** The unit of `changedChunks`, a multiple of the block size. Default: 64 KiB. */
  readonly chunkBytes?: number;
  /** The cluster's block_size, 1 to 32 KiB. Default: 8 KiB. */
  readonly blockSize?: number;
}

export interface PageScan {
  /** Whole pages inspected. */
  readonly pages: number;
  /** Bytes after the last whole page. They are not judged, and their chunk counts as changed. */
  readonly tailBytes: number;
  /** Highest LSN of the pages that are not new and have a valid header; 0 when there is none. */
  readonly maxLsn: Lsn;
  /** Pages that are all zero. */
  readonly newPages: number;
  /** Relation block numbers of pages with a wrong checksum, or that are marked new and not all zero; ascending. */
  readonly badBlocks: readonly number[];
  /** Relation block numbers of pages whose header PostgreSQL could not have written; ascending. */
  readonly invalidBlocks: readonly number[];
  /** 1 for each chunk that holds a page that is changed, new, bad or invalid, or an incomplete one. */
  readonly changedChunks: Uint8Array;
}

export interface PageScanner {
  /** The arena: read file bytes into it, then call `scan`. Its start is aligned to 64 KiB. */
  readonly buffer: Buffer;
  /** Inspects the first `lengthBytes` bytes of `buffer`. */
  scan(options: PageScanOptions & { readonly lengthBytes: number }): PageScan;
  /** Inspects any bytes of any length; copies them piece by piece unless they lie in `buffer`. */
  scanBuffer(bytes: Uint8Array, options: PageScanOptions): PageScan;
}

interface KernelExports {
  scan(
    ...parameters: [
      data: number,
      pages: number,
      blockSize: number,
      statuses: number,
      firstBlock: number,
      startLsn: bigint,
      sinceLsn: bigint,
    ]
  ): number;
  readonly maxLsn: { readonly value: bigint };
}

// Status bits of the kernel.
const statusNew = 1;
const statusBad = 2;
const statusInvalid = 4;
const statusChanged = 8;

const smallestBlock = 1024;
const largestBlock = 32_768;

/** A scanner with its own arena of `arenaBytes` (a multiple of 64 KiB). Make one per worker thread and keep it. */
export function createPageScanner({ arenaBytes = 1_048_576 } = {}): PageScanner {
  assert(arenaBytes > 0 && arenaBytes % 65_536 === 0, 'a page arena is a multiple of 64 KiB');
  const statusBytes = arenaBytes / smallestBlock;
  const kernel = instantiateWasm<KernelExports>(pageScanWasm, arenaBytes + statusBytes);
  const buffer = Buffer.from(kernel.memory, 0, arenaBytes);
  const statuses = new Uint8Array(kernel.memory, arenaBytes, statusBytes);

  function scanAt(address: number, byteLength: number, into: ScanResult): void {
    const { blockSize, firstBlock, startLsn, sinceLsn, checksums } = into.options;
    const pages = Math.floor(byteLength / blockSize);
    const block = firstBlock + into.pages;
    const verifyBelow = checksums ? startLsn : invalidLsn;
    const union = kernel.exports.scan(address, pages, blockSize, arenaBytes, block, verifyBelow, sinceLsn);
    into.add(statuses.subarray(0, pages), union, toLsn(BigInt.asUintN(64, kernel.exports.maxLsn.value)));
  }

  function scanBuffer(bytes: Uint8Array, options: PageScanOptions): PageScan {
    const result = new ScanResult(bytes.byteLength, options);
    const address = addressIn(kernel.memory, bytes, arenaBytes);
    if (address !== undefined) {
      scanAt(address, bytes.byteLength, result);
      return result;
    }
    for (let offset = 0; offset < bytes.byteLength; offset += arenaBytes) {
      const piece = bytes.subarray(offset, offset + arenaBytes);
      buffer.set(piece);
      scanAt(0, piece.byteLength, result);
    }
    return result;
  }

  return {
    buffer,
    scan: (options) => scanBuffer(buffer.subarray(0, options.lengthBytes), options),
    scanBuffer,
  };
}

/** Collects the status bytes of consecutive pieces. */
class ScanResult implements PageScan {
  pages = 0;
  maxLsn = invalidLsn;
  newPages = 0;
  readonly tailBytes: number;
  readonly badBlocks: number[] = [];
  readonly invalidBlocks: number[] = [];
  readonly changedChunks: Uint8Array;
  readonly options: Required<PageScanOptions>;

  constructor(byteLength: number, options: PageScanOptions) {
    const { blockSize = 8192, chunkBytes = 65_536, sinceLsn = options.startLsn } = options;
    assert(
      blockSize >= smallestBlock && blockSize <= largestBlock && (blockSize & (blockSize - 1)) === 0,
      'a block size is a power of two between 1 and 32 KiB',
    );
    assert(chunkBytes > 0 && chunkBytes % blockSize === 0, 'a chunk is a whole number of blocks');
    this.options = { ...options, blockSize, chunkBytes, sinceLsn };
    this.tailBytes = byteLength % blockSize;
    this.changedChunks = new Uint8Array(Math.ceil(byteLength / chunkBytes));
    if (this.tailBytes > 0) this.changedChunks[this.changedChunks.length - 1] = 1;
  }

  /** Adds the next pages; `union` is the union of their `statuses`. */
  add(statuses: Uint8Array, union: number, maxLsn: Lsn): void {
    if (maxLsn > this.maxLsn) this.maxLsn = maxLsn;
    if (union !== 0) {
      for (let i = 0; i < statuses.length; i++) this.#addPage(this.pages + i, statuses[i] ?? 0);
    }
    this.pages += statuses.length;
  }

  #addPage(page: number, status: number): void {
    if (status === 0) return;
    const { firstBlock, blockSize, chunkBytes } = this.options;
    if (status & statusNew) this.newPages++;
    if (status & statusBad) this.badBlocks.push(firstBlock + page);
    if (status & statusInvalid) this.invalidBlocks.push(firstBlock + page);
    if (status & statusChanged) this.changedChunks[Math.floor((page * blockSize) / chunkBytes)] = 1;
  }
}
