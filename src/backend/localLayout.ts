import { accessSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../base/atomicFile.ts';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import { makeObjectDirectory } from './objectFile.ts';

/** Permission bits of what a repository directory holds, before objects are made read-only. */
export interface LocalModes {
  readonly directory: number;
  readonly file: number;
}

/** Private to the owner, unless an administrator made `config` readable for its group: then the group gets the same. */
export function localModes(root: string): LocalModes {
  const config = statSync(join(root, 'config'), { throwIfNoEntry: false });
  const shared = config !== undefined && (config.mode & 0o040) !== 0;
  return shared ? { directory: 0o770, file: 0o660 } : { directory: 0o700, file: 0o600 };
}

/** Creates the repository directory and restic's layout below it, durably; what exists is left alone. */
export function createLayout(root: string): void {
  const mode = 0o700;
  createDirectory(root, mode);
  for (const name of ['data', 'snapshots', 'index', 'locks', 'keys']) makeDirectory(join(root, name), mode);
  for (let byte = 0; byte < 256; byte++) {
    makeDirectory(join(root, 'data', byte.toString(16).padStart(2, '0')), mode);
  }
  syncDirectory(join(root, 'data'));
  syncDirectory(root);
}

/**
 * Creates the directories on the way to the object `name`, durably. Never the root: a root that vanished is a disk that
 * was unmounted, and must not be made anew on the disk below it. Throws Node's system errors.
 */
export function createParents(root: string, name: string, mode: number): void {
  const components = name.split('/').slice(0, -1);
  components.forEach((_, index) => {
    const directory = join(root, ...components.slice(0, index + 1));
    makeDirectory(directory, mode);
    syncDirectory(dirname(directory)); // also when another process was first: its own sync may still be to come
  });
}

/**
 * Nothing may be called absent (recovery would end early) and nothing created when the directory is only the empty
 * mount point of an unmounted disk: a repository has its `config`. Throws `backend-unavailable` when it is gone.
 */
export function requireConfig(root: string): void {
  try {
    accessSync(join(root, 'config'));
  } catch (error) {
    throw new OperationError('backend-unavailable', `the repository in ${root} is no longer there`, {
      hint: 'was its disk unmounted?',
      cause: error,
    });
  }
}

function createDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  createDirectory(dirname(path), mode);
  unlessThere(() => mkdirSync(path, { mode })); // whoever makes a repository owns it, wherever it lies
  syncDirectory(dirname(path));
}

function makeDirectory(path: string, mode: number): void {
  unlessThere(() => makeObjectDirectory(path, mode));
}

function unlessThere(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
}
