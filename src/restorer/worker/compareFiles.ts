import { closeSync, constants, openSync, readSync } from 'node:fs';
import { hash } from 'node:crypto';
import { BlobTable } from '../../repository/blobTable.ts';
import { chunkLength, type Content } from '../content.ts';
import { destinationError } from '../destinationErrors.ts';
import type { QuickEqual } from '../quickEqual.ts';

/** Bytes read by one call: what stays in the core's second-level cache until it is hashed. */
const pieceBytes = 256 * 1024;
const zeros = Buffer.alloc(1024 * 1024);

/** Tells whether the bytes of an existing file are those of a chunk. Must never say so of different bytes. */
export type IsEqual = (chunk: number, bytes: Buffer) => boolean;

/** Equality by a source's own proof where it has one, else by SHA-256. */
export function equalByProof(content: Content, quick: QuickEqual, proofs: readonly unknown[]): IsEqual {
  const byId = equalById(content);
  return (chunk, bytes) => {
    const file = content.chunkFiles[chunk]!;
    const proof = proofs[file];
    if (proof === undefined) return byId(chunk, bytes);
    const at = { index: chunk - content.firstChunks[file]!, offset: content.chunkOffsets[chunk]! };
    return quick(proof as never, { ...at, bytes }) || byId(chunk, bytes);
  };
}

/** Equality by SHA-256: the chunk's id. Zeros are recognised at memory speed. */
export function equalById(content: Content): IsEqual {
  const table = BlobTable.attach(content.table);
  const zeroIds = new Map<number, Buffer>();
  const idOf = (bytes: Buffer): Buffer => {
    if (bytes.length > zeros.length || !bytes.equals(zeros.subarray(0, bytes.length)))
      return hash('sha256', bytes, 'buffer');
    const known = zeroIds.get(bytes.length) ?? hash('sha256', bytes, 'buffer');
    zeroIds.set(bytes.length, known);
    return known;
  };
  return (chunk, bytes) => idOf(bytes).equals(table.idOf(content.entries[chunk]!));
}

export interface CompareRange {
  readonly file: number;
  readonly first: number;
  readonly end: number;
}

/** Compares the chunks of existing files with what they shall hold, and marks those that are there already. */
export class FileComparer {
  readonly #content: Content;
  readonly #isEqual: IsEqual;
  #buffer = Buffer.allocUnsafeSlow(2 * pieceBytes);

  constructor(content: Content, isEqual: IsEqual) {
    this.#content = content;
    this.#isEqual = isEqual;
  }

  /** Returns how many bytes the range has. */
  compare({ file, first, end }: CompareRange): number {
    const path = this.#content.paths[file]!;
    let fd: number | undefined;
    try {
      fd = openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      this.#compareChunks(fd, first, end);
    } catch (error) {
      throw destinationError(error, 'compare', path);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    const { chunkOffsets } = this.#content;
    return chunkOffsets[end - 1]! + chunkLength(this.#content, end - 1) - chunkOffsets[first]!;
  }

  #compareChunks(fd: number, first: number, end: number): void {
    for (let chunk = first; chunk < end;) {
      const from = chunk;
      let bytes = chunkLength(this.#content, chunk++);
      while (chunk < end && bytes + chunkLength(this.#content, chunk) <= pieceBytes) {
        bytes += chunkLength(this.#content, chunk++);
      }
      const found = this.#read(fd, this.#content.chunkOffsets[from]!, bytes);
      for (let index = from, at = 0; index < chunk; index++) {
        const length = chunkLength(this.#content, index);
        if (at + length > found) return; // the file ends here
        if (this.#isEqual(index, this.#buffer.subarray(at, at + length))) this.#content.equal[index] = 1;
        at += length;
      }
    }
  }

  /** Reads into the buffer; returns how much there was. */
  #read(fd: number, offset: number, length: number): number {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const count = readSync(fd, this.#buffer, done, Math.min(pieceBytes, length - done), offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }
}
