import { close, constants, fchmodSync, fsync, openSync, renameSync } from 'node:fs';
import { mkdirSync, open, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryPath, writeAllSync } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import type { Backend } from '../../backend/backend.ts';
import { translateFileError } from '../../backend/fileErrors.ts';
import type { FinishedPack } from './packBuilder.ts';

/** Where finished packs go. */
export interface PackSink {
  /** True when `put` has copied the bytes once it returned, so that their buffer may be refilled at once. */
  readonly copiesAtOnce: boolean;
  /** Resolves when the pack is durable under its name. */
  put(pack: FinishedPack): Promise<void>;
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

  put(pack: FinishedPack): Promise<void> {
    return this.#backend.put(this.#ctx, packObjectName(pack.id), pack.bytes);
  }
}

const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);
const openAsync = promisify(open);

/**
 * Writes packs into a local repository from a worker thread: the bytes synchronously, the waiting for the disk on the
 * thread pool while the worker fills the next pack. Same discipline as the local backend's `put`.
 */
export class LocalPackSink implements PackSink {
  readonly copiesAtOnce = true;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  put(pack: FinishedPack): Promise<void> {
    const path = join(this.#directory, packObjectName(pack.id));
    const temporary = temporaryPath(path);
    try {
      const fd = this.#create(temporary);
      try {
        writeAllSync(fd, pack.bytes);
        fchmodSync(fd, 0o400);
      } catch (error) {
        void closeAsync(fd);
        throw error;
      }
      return this.#settle(fd, temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      return Promise.reject(translateFileError(error, `write pack ${pack.id.slice(0, 8)}`));
    }
  }

  #create(temporary: string): number {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    try {
      return openSync(temporary, flags, 0o600);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      mkdirSync(dirname(temporary), { recursive: true, mode: 0o700 });
      return openSync(temporary, flags, 0o600);
    }
  }

  async #settle(fd: number, temporary: string, path: string): Promise<void> {
    try {
      try {
        await fsyncAsync(fd);
      } finally {
        await closeAsync(fd);
      }
      renameSync(temporary, path);
      const directory = await openAsync(dirname(path), constants.O_RDONLY);
      try {
        await fsyncAsync(directory);
      } finally {
        await closeAsync(directory);
      }
    } catch (error) {
      removeQuietly(temporary);
      throw translateFileError(error, `write pack ${path.slice(-64, -56)}`);
    }
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // already renamed, or never created
  }
}
