import { assert } from '../base/errors.ts';
import { plainLength, type BlobTable, type SharedBlobTable } from '../repository/blobTable.ts';

/** Bits of a file's state. */
export const stateExisted = 1;
/** Has the right size; set by the first thread that opens it. */
export const stateSized = 2;
/** A part of it could not be had. */
export const stateDamaged = 4;

/**
 * The content of all files of a restore, in arrays that threads share. A chunk's number is its place in the whole list.
 */
export interface Content {
  readonly table: SharedBlobTable;
  /** Absolute; raw bytes as latin1 text. */
  readonly paths: readonly string[];
  readonly sizes: Float64Array;
  /** Per file: `state...` bits. */
  readonly states: Uint8Array;
  /** Per file, and one more: number of its first chunk. */
  readonly firstChunks: Uint32Array;
  /** Per chunk: entry in the blob table, file, offset in the file. */
  readonly entries: Uint32Array;
  readonly chunkFiles: Uint32Array;
  readonly chunkOffsets: Float64Array;
  /** Per chunk: 1 where the existing file already holds it. */
  readonly equal: Uint8Array;
}

export interface ContentFile {
  /** Absolute; raw bytes as latin1 text. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Entries of its chunks in the blob table; their plaintext adds up to the size. */
  readonly entries: Uint32Array;
  /** A regular file is there; what it holds is compared first. */
  readonly exists: boolean;
}

/** Lays out the shared arrays. Every entry has a location. */
export function layOutContent(table: BlobTable, files: readonly ContentFile[]): Content {
  const chunkCount = files.reduce((sum, file) => sum + file.entries.length, 0);
  const content: Content = {
    table: table.shared,
    paths: files.map((file) => file.path),
    sizes: new Float64Array(new SharedArrayBuffer(files.length * 8)),
    states: new Uint8Array(new SharedArrayBuffer(files.length)),
    firstChunks: new Uint32Array(new SharedArrayBuffer((files.length + 1) * 4)),
    entries: new Uint32Array(new SharedArrayBuffer(chunkCount * 4)),
    chunkFiles: new Uint32Array(new SharedArrayBuffer(chunkCount * 4)),
    chunkOffsets: new Float64Array(new SharedArrayBuffer(chunkCount * 8)),
    equal: new Uint8Array(new SharedArrayBuffer(chunkCount)),
  };
  let chunk = 0;
  files.forEach((file, number) => {
    content.sizes[number] = file.sizeBytes;
    content.states[number] = file.exists ? stateExisted : 0;
    content.entries.set(file.entries, chunk);
    let offset = 0;
    for (const entry of file.entries) {
      const location = table.location(entry);
      assert(location !== undefined, 'a chunk that is to be restored has a location');
      content.chunkFiles[chunk] = number;
      content.chunkOffsets[chunk] = offset;
      offset += plainLength(location);
      chunk++;
    }
    assert(offset === file.sizeBytes, 'the chunks of a file add up to its size');
    content.firstChunks[number + 1] = chunk;
  });
  return content;
}

/** Length of a chunk's plaintext. */
export function chunkLength(content: Content, chunk: number): number {
  const file = content.chunkFiles[chunk]!;
  const isLast = chunk + 1 === content.firstChunks[file + 1];
  return (isLast ? content.sizes[file]! : content.chunkOffsets[chunk + 1]!) - content.chunkOffsets[chunk]!;
}

const rangeBytes = 16 * 1024 * 1024;

/** Chunks of existing files in ranges worth taking, largest file first: file, first and end chunk of each. */
export function cutCompareRanges(content: Content): Uint32Array {
  const existing = content.paths.map((_, file) => file).filter((file) => (content.states[file]! & stateExisted) !== 0);
  existing.sort((a, b) => content.sizes[b]! - content.sizes[a]!);
  const ranges: number[] = [];
  for (const file of existing) {
    const end = content.firstChunks[file + 1]!;
    for (let first = content.firstChunks[file]!; first < end;) {
      const stop = content.chunkOffsets[first]! + rangeBytes;
      let next = first + 1;
      while (next < end && content.chunkOffsets[next]! < stop) next++;
      ranges.push(file, first, next);
      first = next;
    }
  }
  return Uint32Array.from(ranges);
}

/** Adds bits to a file's state; threads do so at the same time. */
export function addState(content: Content, file: number, bits: number): void {
  Atomics.or(content.states, file, bits);
}
