import { close, constants, fsync, open, openSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryPath, writeAllSync } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import { systemErrorCode } from '../../base/errors.ts';
import type { Backend } from '../../backend/backend.ts';
import { translateFileError } from '../../backend/fileErrors.ts';
import { createParents, localModes, requireConfig, type LocalModes } from '../../backend/localLayout.ts';
import { finishObjectFile } from '../../backend/objectFile.ts';
import type { FinishedPack } from './packBuilder.ts';

/** Where finished packs go. */
export interface PackSink {
  /** True when `put` has copied the bytes once it returned, so that their buffer may be refilled at once. */
  readonly copiesAtOnce: boolean;
  /** Resolves when the pack is durable under its name. */
  put(pack: Pick<FinishedPack, 'id' | 'bytes'>): Promise<void>;
}

/** Object name of a pack, as restic's default layout has it. */
export function packObjectName(id: string): string {
  return `data/${id.slice(0, 2)}/${id}`;
}

/** Stores packs through a backend. */
export class BackendPackSink implements PackSink {
  readonly copiesAtOnce = false;
  readonly #ctx: Context;
  readonly #backend: Backend;

  constructor(ctx: Context, backend: Backend) {
    this.#ctx = ctx;
    this.#backend = backend;
  }

  put(pack: Pick<FinishedPack, 'id' | 'bytes'>): Promise<void> {
    return this.#backend.put(this.#ctx, packObjectName(pack.id), pack.bytes);
  }
}

const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);
const openAsync = promisify(open);

/**
 * Writes packs into a local repository from a worker thread: the bytes synchronously, the waiting for the disk on the
 * thread pool while the worker fills the next pack. Same discipline and same errors as the local backend's `put`.
 */
export class LocalPackSink implements PackSink {
  readonly copiesAtOnce = true;
  readonly #root: string;
  readonly #modes: LocalModes;

  constructor(root: string) {
    this.#root = root;
    this.#modes = localModes(root);
  }

  async put(pack: Pick<FinishedPack, 'id' | 'bytes'>): Promise<void> {
    const name = packObjectName(pack.id);
    const path = join(this.#root, name);
    const temporary = temporaryPath(path);
    try {
      await this.#settle(this.#write(temporary, name, pack.bytes), temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      throw translateFileError(error, `write ${name}`);
    }
  }

  /** Writes all bytes before it returns; they are not durable yet. */
  #write(temporary: string, name: string, bytes: Uint8Array): number {
    const fd = this.#create(temporary, name);
    try {
      writeAllSync(fd, bytes);
    } catch (error) {
      closeQuietly(fd);
      throw error;
    }
    finishObjectFile(fd, this.#modes.file);
    return fd;
  }

  #create(temporary: string, name: string): number {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    try {
      return openSync(temporary, flags, this.#modes.file);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      requireConfig(this.#root);
      createParents(this.#root, name, this.#modes.directory);
      return openSync(temporary, flags, this.#modes.file);
    }
  }

  async #settle(fd: number, temporary: string, path: string): Promise<void> {
    try {
      await fsyncAsync(fd);
    } catch (error) {
      closeQuietly(fd);
      throw error;
    }
    await closeAsync(fd);
    renameSync(temporary, path);
    try {
      await syncDirectoryAsync(dirname(path));
    } catch (error) {
      removeQuietly(path); // it is visible but perhaps not durable: a failed put leaves nothing new
      throw error;
    }
  }
}

async function syncDirectoryAsync(directory: string): Promise<void> {
  const fd = await openAsync(directory, constants.O_RDONLY);
  try {
    await fsyncAsync(fd);
  } finally {
    closeQuietly(fd);
  }
}

/** On the thread pool: nothing waits for it, and nothing can be done about a failure. */
function closeQuietly(fd: number): void {
  close(fd, () => undefined);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // already renamed, or never created
  }
}
