import { OperationError } from '../../base/errors.ts';
import type { BlobLocation } from '../blobTable.ts';
import type { Sealer } from '../crypto/sealer.ts';
import { ZstdDecompressor } from '../crypto/zstd.ts';
import { chunkId } from './chunkId.ts';

/** Turns sealed blobs into verified plaintext. One a loop: the decompressor has state. */
export class BlobOpener {
  readonly #sealer: Sealer;
  readonly #decompressor = new ZstdDecompressor();

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Opens a pack's header; throws `repository-damaged` when it is not authentic. */
  openHeader(sealed: Buffer): Buffer {
    return this.#sealer.open(sealed);
  }

  /**
   * Authenticates, decrypts and decompresses a blob into `target`, which has its plaintext's length, and compares the
   * SHA-256. Throws `repository-damaged`, saying what is wrong with the blob; `target` then holds garbage.
   */
  openInto(sealed: Buffer, stored: { location: BlobLocation; id: Buffer }, target: Buffer): void {
    const opened = this.#sealer.open(sealed);
    if (stored.location.rawLength === 0) opened.copy(target);
    else this.#decompressor.decompressInto(opened, target, 0, target.length);
    if (chunkId(target).equals(stored.id)) return;
    throw new OperationError('repository-damaged', 'the content of a blob does not match its id');
  }
}
