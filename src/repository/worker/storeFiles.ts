import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { createRabinChunker, type RabinChunker } from '../chunker.ts';
import { storeChunk } from './storeChunk.ts';
import type { StoreState } from './storeState.ts';

/** Ordinary files, to be cut by content as restic does. */
export interface FilesTask {
  /** Absolute paths, raw bytes as latin1 text, in the order in which threads take them. */
  readonly paths: readonly string[];
  /** Index of the next file to take, shared. */
  readonly next: Int32Array;
}

/** What became of one file; sent as a message `{ file: FileResult }` as soon as its last chunk is claimed. */
export interface FileResult {
  readonly index: number;
  /** 32 bytes a chunk. Empty when `error` is set. */
  readonly ids: Uint8Array;
  readonly sizeBytes: number;
  /** Size, modification or change time differed before and after reading. */
  readonly changed: boolean;
  /** What was opened; absent when `error` is set. The path may have meant another file before. */
  readonly opened?: { readonly inode: bigint; readonly mtimeNs: bigint; readonly ctimeNs: bigint };
  /** System error code when the file could not be read. */
  readonly error?: string;
}

const readBytes = 256 * 1024;
const chunkers = new Map<bigint, RabinChunker>();

/** Takes files off the list until none is left. */
export async function storeFiles(state: StoreState, task: FilesTask): Promise<void> {
  for (;;) {
    const index = Atomics.add(task.next, 0, 1);
    if (index >= task.paths.length) return;
    if (state.host.aborted()) throw new OperationError('interrupted', 'the backup was stopped');
    state.host.post({ file: await storeFile(state, task.paths[index]!, index) });
  }
}

async function storeFile(state: StoreState, path: string, index: number): Promise<FileResult> {
  let fd: number;
  try {
    fd = openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return unreadable(index, error);
  }
  try {
    const before = fstatSync(fd, { bigint: true });
    const chunks = await storeContent(state, fd);
    const after = fstatSync(fd, { bigint: true });
    const touched = before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs;
    const changed = touched || BigInt(chunks.sizeBytes) !== after.size;
    const opened = { inode: before.ino, mtimeNs: before.mtimeNs, ctimeNs: before.ctimeNs };
    return { index, ids: Buffer.concat(chunks.ids), sizeBytes: chunks.sizeBytes, changed, opened };
  } catch (error) {
    if (error instanceof OperationError) throw error;
    return unreadable(index, error);
  } finally {
    closeSync(fd);
  }
}

async function storeContent(state: StoreState, fd: number): Promise<{ ids: Uint8Array[]; sizeBytes: number }> {
  const chunker = chunkerOf(state.polynomial);
  const { buffer } = chunker;
  const ids: Uint8Array[] = [];
  let chunkStart = 0;
  let end = 0;
  let sizeBytes = 0;
  const store = async (cut: number): Promise<void> => {
    const id = new Uint8Array(32);
    ids.push(id);
    await storeChunk(state, buffer.subarray(chunkStart, cut), { ids: id, at: 0 });
    chunkStart = cut;
  };
  chunker.reset();
  for (;;) {
    if (end + readBytes > buffer.length) {
      buffer.copyWithin(0, chunkStart, end);
      end -= chunkStart;
      chunkStart = 0;
    }
    const count = readSync(fd, buffer, end, readBytes, null);
    if (count === 0) break;
    let from = end;
    end += count;
    sizeBytes += count;
    for (let cut = chunker.nextCut(from, end); cut !== -1; cut = chunker.nextCut(from, end)) {
      await store(cut);
      from = cut;
    }
  }
  if (end > chunkStart) await store(end);
  return { ids, sizeBytes };
}

function chunkerOf(polynomial: bigint): RabinChunker {
  let chunker = chunkers.get(polynomial);
  if (chunker === undefined) {
    chunker = createRabinChunker(polynomial);
    chunkers.set(polynomial, chunker);
  }
  return chunker;
}

function unreadable(index: number, error: unknown): FileResult {
  return { index, ids: new Uint8Array(0), sizeBytes: 0, changed: false, error: systemErrorCode(error) ?? 'EIO' };
}
