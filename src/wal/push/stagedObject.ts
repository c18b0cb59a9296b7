import { constants, closeSync, fsyncSync, linkSync, openSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectory, temporaryPath, writeAllSync } from '../../base/atomicFile.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { translateFileError } from '../../backend/fileErrors.ts';
import { createParents, localModes, requireConfig } from '../../backend/localLayout.ts';
import { finishObjectFile } from '../../backend/objectFile.ts';

/** An object of a local repository that is durable under a temporary name and not visible yet. */
export interface StagedObject {
  readonly objectName: string;
  readonly temporary: string;
}

/**
 * First half of storing an object in a local repository: as the local backend's `put`, up to and including the fsync of
 * the file. The halves are apart so that several threads can do this one while objects become visible in order.
 * Throws `backend-*` errors.
 */
export function stageObject(root: string, objectName: string, bytes: Uint8Array): StagedObject {
  const temporary = temporaryPath(join(root, objectName));
  const modes = localModes(root);
  let fd: number | undefined;
  try {
    try {
      fd = create(temporary, modes.file);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      requireConfig(root);
      createParents(root, objectName, modes.directory);
      fd = create(temporary, modes.file);
    }
    writeAllSync(fd, bytes);
    finishObjectFile(fd, modes.file);
    fsyncSync(fd);
    const written = fd;
    fd = undefined;
    closeSync(written);
    return { objectName, temporary };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    removeQuietly(temporary);
    throw translateFileError(error, `write ${objectName}`);
  }
}

/**
 * Second half: makes a staged object visible under its name, durably, if there is none yet. Throws `object-exists`,
 * `backend-*`; nothing of it stays behind then.
 */
export function publishObject(root: string, { objectName, temporary }: StagedObject): void {
  const path = join(root, objectName);
  let visible = false;
  try {
    linkSync(temporary, path);
    visible = true;
    unlinkSync(temporary);
    syncDirectory(dirname(path));
  } catch (error) {
    removeQuietly(temporary);
    if (visible) removeQuietly(path); // perhaps not durable: what failed leaves nothing new
    if (systemErrorCode(error) === 'EEXIST') {
      throw new OperationError('object-exists', `cannot create ${objectName}: the object is already there`);
    }
    throw translateFileError(error, `write ${objectName}`);
  }
}

/** Takes a staged object back. */
export function discardObject({ temporary }: StagedObject): void {
  removeQuietly(temporary);
}

function create(path: string, mode: number): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it is gone, or will be found as a stale temporary
  }
}
