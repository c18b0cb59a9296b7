import { existsSync, statSync, unlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';
import { placeRange } from './byteRange.ts';
import { isAbsence, translateFileError } from './fileErrors.ts';
import { createLayout, createParents, localModes, requireConfig, type LocalModes } from './localLayout.ts';
import { listObjects } from './localListing.ts';
import { objectExists, objectMissing, tooShort } from './objectErrors.ts';
import { finishObjectFile } from './objectFile.ts';
import { assertObjectName, assertPrefix } from './objectName.ts';

/** Largest piece of one read; between pieces an abort is noticed. */
const readPieceBytes = 1024 * 1024;

export interface LocalBackendOptions {
  /**
   * Create the directory, and restic's layout in it, where they are missing. Default: a missing directory is an error.
   */
  readonly create?: boolean;
}

/**
 * Opens a directory of this machine (or a mounted one) as a backend, laid out as stock restic does it.
 * Throws `repository-missing` when there is no such directory and `create` was not asked for.
 */
export function openLocalBackend(path: string, options: LocalBackendOptions = {}): Backend {
  const root = resolve(path);
  try {
    if (options.create === true) createLayout(root);
    const found = statSync(root, { throwIfNoEntry: false });
    if (found === undefined) throw missingDirectory(root);
    if (!found.isDirectory())
      throw new OperationError('repository-missing', `cannot open ${root}: it is not a directory`);
    return new LocalBackend(root);
  } catch (error) {
    throw translateFileError(error, `open the repository directory ${root}`);
  }
}

class LocalBackend implements Backend {
  readonly location: string;
  readonly localDirectory: string;
  readonly #modes: LocalModes;
  #configSeen: boolean;

  constructor(root: string) {
    this.location = `local:${root}`;
    this.localDirectory = root;
    this.#modes = localModes(root);
    this.#configSeen = existsSync(join(root, 'config'));
  }

  async put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}) {
    assertObjectName(name);
    ctx.signal.throwIfAborted();
    try {
      this.#write(name, parts, options.ifAbsent === true);
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') throw objectExists(name);
      throw translateFileError(error, `write ${name}`);
    }
    if (name === 'config') this.#configSeen = true;
  }

  async get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    const path = this.#path(name);
    ctx.signal.throwIfAborted();
    try {
      await using file = await open(path);
      const found = await file.stat();
      if (!found.isFile()) throw objectMissing(name);
      return await readRange(ctx, file, { name, ...placeRange(name, found.size, range) });
    } catch (error) {
      if (!isAbsence(error)) throw translateFileError(error, `read ${name}`);
      this.#requireStillThere();
      throw objectMissing(name);
    }
  }

  async stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    const path = this.#path(name);
    ctx.signal.throwIfAborted();
    try {
      const found = statSync(path);
      return found.isFile() ? { name, sizeBytes: found.size } : undefined;
    } catch (error) {
      if (!isAbsence(error)) throw translateFileError(error, `look for ${name}`);
      this.#requireStillThere();
      return undefined;
    }
  }

  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    assertPrefix(prefix);
    ctx.signal.throwIfAborted();
    try {
      yield* listObjects(ctx.signal, this.localDirectory, prefix);
    } catch (error) {
      throw translateFileError(error, `list ${prefix}`);
    }
    this.#requireStillThere();
  }

  async delete(ctx: Context, name: string): Promise<void> {
    const path = this.#path(name);
    ctx.signal.throwIfAborted();
    try {
      removeIfPresent(path);
      // A pack that comes back after a power cut is only garbage; an index, snapshot or key would be a lie.
      if (!name.startsWith('data/')) syncDirectory(dirname(path));
    } catch (error) {
      if (!isAbsence(error)) throw translateFileError(error, `delete ${name}`);
    }
    if (name === 'config') this.#configSeen = false;
    this.#requireStillThere();
  }

  async close(): Promise<void> {
    // nothing is held open
  }

  #path(name: string): string {
    assertObjectName(name);
    return join(this.localDirectory, name);
  }

  #write(name: string, parts: Uint8Array | readonly Uint8Array[], exclusive: boolean): void {
    const path = join(this.localDirectory, name);
    const mode = this.#modes.file;
    const options = { mode, exclusive, syncDirectory: false, finish: (fd: number) => finishObjectFile(fd, mode) };
    const replaces = !exclusive && existsSync(path);
    try {
      writeFileAtomic(path, parts, options);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      this.#requireStillThere();
      createParents(this.localDirectory, name, this.#modes.directory);
      writeFileAtomic(path, parts, options);
    }
    try {
      syncDirectory(dirname(path));
    } catch (error) {
      if (!replaces) removeQuietly(path); // it is visible but perhaps not durable: a failed put leaves nothing new
      throw error;
    }
  }

  /** Once `config` was seen, its absence means that the repository is away. */
  #requireStillThere(): void {
    if (this.#configSeen) requireConfig(this.localDirectory);
  }
}

async function readRange(ctx: Context, file: FileHandle, at: ByteRange & { readonly name: string }): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(at.length);
  let done = 0;
  while (done < at.length) {
    ctx.signal.throwIfAborted();
    const length = Math.min(readPieceBytes, at.length - done);
    const { bytesRead } = await file.read(bytes, done, length, at.offset + done);
    if (bytesRead === 0) throw tooShort(at.name, at.offset + done, at);
    done += bytesRead;
  }
  return bytes;
}

function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

function removeQuietly(path: string): void {
  try {
    removeIfPresent(path);
  } catch {
    // the error that led here is the one to report
  }
}

function missingDirectory(root: string): OperationError {
  return new OperationError('repository-missing', `cannot open ${root}: there is no such directory`, {
    hint: 'create the repository with `understudy init`; or is a disk not mounted?',
  });
}
