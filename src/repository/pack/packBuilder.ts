import { createHash, hash } from 'node:crypto';
import { OperationError, assert } from '../../base/errors.ts';
import type { BlobType } from '../blob.ts';
import { plainLength, type BlobTable } from '../blobTable.ts';
import { ivBytes, sealOverheadBytes, type Sealer } from '../crypto/sealer.ts';
import { ZstdDecompressor, zstdBound, type ZstdCompressor } from '../crypto/zstd.ts';
import { compressedEntryBytes, headerLengthBytes, writeHeaderEntry } from './packHeader.ts';

/** A complete pack in memory, before it is stored. `bytes` is a view that the builder reuses. */
export interface FinishedPack {
  readonly number: number;
  readonly id: string;
  readonly type: BlobType;
  readonly bytes: Buffer;
  /** Entry numbers in the blob table, in pack order. */
  readonly entries: Uint32Array;
  readonly rawBytes: number;
}

/** How much of what is about to be stored is read back (opened, decompressed, hashed) first. */
export type ReadBack = 'all' | 'sample' | 'none';

/** One blob in this many is read back by `sample`. */
const sampleEvery = 16;
const maxHeaderEntries = 300_000;
/** A backup of little must not pay for a whole pack's buffer; what does not fit gets it in one step. */
const firstBufferBytes = 1024 * 1024;

export interface PackBuilderOptions {
  readonly type: BlobType;
  readonly sealer: Sealer;
  /** Undefined stores data blobs plain. */
  readonly compressor: ZstdCompressor | undefined;
  readonly table: BlobTable;
  /** A pack is finished when it has at least this many bytes. */
  readonly targetBytes: number;
  readonly readBack: ReadBack;
  /** Hands out the number under which the next pack is known. */
  readonly nextPackNumber: () => number;
}

/**
 * Fills one pack at a time in one reused buffer: each blob is compressed straight behind the last one and sealed in
 * place. `finish` completes the pack; the buffer may be reused when the caller says so with `reset`.
 */
export class PackBuilder {
  readonly #options: PackBuilderOptions;
  readonly #decoder = new ZstdDecompressor();
  #buffer: Buffer;
  #used = 0;
  #number = -1;
  #entries: number[] = [];
  #rawBytes = 0;
  #sampled = 0;

  constructor(options: PackBuilderOptions) {
    this.#options = options;
    this.#buffer = Buffer.allocUnsafeSlow(firstBufferBytes);
  }

  get isFull(): boolean {
    return this.#used >= this.#options.targetBytes || this.#entries.length >= maxHeaderEntries;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Adds the blob that the caller has claimed under this entry number. */
  add(entry: number, plain: Uint8Array): void {
    assert(plain.byteLength > 0, 'a blob has at least one byte');
    if (this.#number < 0) this.#number = this.#options.nextPackNumber();
    const at = this.#used;
    this.#reserve(zstdBound(plain.byteLength) + sealOverheadBytes);
    const { length, rawLength } = this.#compress(plain, at + ivBytes);
    const sealedLength = this.#options.sealer.sealInPlace(this.#buffer, at, length);
    const location = { pack: this.#number, offset: at, length: sealedLength, rawLength };
    this.#readBack(entry, location);
    this.#options.table.setLocation(entry, location);
    this.#entries.push(entry);
    this.#used = at + sealedLength;
    this.#rawBytes += plain.byteLength;
  }

  /** Adds a blob as it is stored elsewhere in the repository; the caller has verified it. */
  addSealed(entry: number, sealed: Uint8Array, rawLength: number): void {
    if (this.#number < 0) this.#number = this.#options.nextPackNumber();
    const location = { pack: this.#number, offset: this.#used, length: sealed.byteLength, rawLength };
    this.#reserve(sealed.byteLength);
    this.#buffer.set(sealed, this.#used);
    this.#options.table.setLocation(entry, location);
    this.#entries.push(entry);
    this.#used += sealed.byteLength;
    this.#rawBytes += plainLength(location);
  }

  /** Seals the header behind the blobs. The result is valid until `reset`. */
  finish(): FinishedPack {
    const { sealer, table, type } = this.#options;
    const headerAt = this.#used;
    this.#reserve(this.#entries.length * compressedEntryBytes + sealOverheadBytes + headerLengthBytes);
    let end = headerAt + ivBytes;
    for (const entry of this.#entries) {
      const location = table.location(entry);
      assert(location !== undefined, 'a blob in a pack has a location');
      end = writeHeaderEntry(this.#buffer, end, { type, id: table.idOf(entry), ...location });
    }
    const sealedLength = sealer.sealInPlace(this.#buffer, headerAt, end - headerAt - ivBytes);
    this.#buffer.writeUInt32LE(sealedLength, headerAt + sealedLength);
    const bytes = this.#buffer.subarray(0, headerAt + sealedLength + headerLengthBytes);
    return {
      number: this.#number,
      id: hash('sha256', bytes, 'hex'),
      type,
      bytes,
      entries: Uint32Array.from(this.#entries),
      rawBytes: this.#rawBytes,
    };
  }

  reset(): void {
    this.#used = 0;
    this.#number = -1;
    this.#entries = [];
    this.#rawBytes = 0;
  }

  #compress(plain: Uint8Array, at: number): { length: number; rawLength: number } {
    const { compressor, type } = this.#options;
    if (compressor !== undefined) {
      const length = compressor.compressInto(plain, this.#buffer, at);
      if (length < plain.byteLength || type === 'tree') return { length, rawLength: plain.byteLength };
    }
    this.#buffer.set(plain, at);
    return { length: plain.byteLength, rawLength: 0 };
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const full = this.#options.targetBytes + 2 * 1024 * 1024;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#used + bytes, full));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  /** Opens, decompresses and hashes what was just made: faulty memory or a codec's bug must not become the backup. */
  #readBack(entry: number, location: { offset: number; length: number; rawLength: number }): void {
    const { readBack, sealer, table, type } = this.#options;
    if (readBack === 'none') return;
    if (readBack === 'sample' && type === 'data' && this.#sampled++ % sampleEvery !== 0) return;
    const { offset, length, rawLength } = location;
    const opened = sealer.openPieces(this.#buffer.subarray(offset, offset + length));
    // in pieces: the tree of a large cluster has 1 MB for each GB
    const found = createHash('sha256');
    for (const piece of rawLength === 0 ? opened : this.#decoder.decompressPieces(opened, rawLength))
      found.update(piece);
    if (!found.digest().equals(table.idOf(entry))) {
      throw new OperationError('repository-damaged', 'a blob read back before it was stored differs from its source', {
        hint: 'this machine computes wrongly: check its memory, then run the backup again',
      });
    }
  }
}
