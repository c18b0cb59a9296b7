import { copyFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporaryPath } from '../../base/atomicFile.ts';
import { OperationError, errorMessage, systemErrorCode } from '../../base/errors.ts';

/** PostgreSQL starts one command at a time: what an earlier one left behind under a temporary name is garbage. */
function removeLeftovers(target: string): void {
  const prefix = `${basename(target)}-tmp-`;
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(prefix)) unlinkSync(join(dirname(target), name));
  }
}

/**
 * Whoever outlives the server that started it must not touch the file: by now another server may wait for another
 * segment under that name.
 */
export type StillWanted = () => boolean;

/** True as long as the process that started us lives. */
export function parentLives(): StillWanted {
  const parent = process.ppid;
  return () => process.ppid === parent;
}

/**
 * Puts content in place, whole or not at all. No fsync: after a crash recovery asks again. Throws `wal-unavailable`.
 */
export function placeContent(content: Uint8Array, target: string, stillWanted: StillWanted): void {
  place(target, stillWanted, (temporary) => writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' }));
}

/** Moves a file in place, whole or not at all; false when it is not there any more. Throws `wal-unavailable`. */
export function placeFile(source: string, target: string, stillWanted: StillWanted): boolean {
  requireWanted(target, stillWanted);
  try {
    renameSync(source, target);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    if (systemErrorCode(error) !== 'EXDEV') throw cannotPlace(target, error);
  }
  place(target, stillWanted, (temporary) => copyFileSync(source, temporary));
  unlinkSync(source);
  return true;
}

function place(target: string, stillWanted: StillWanted, write: (temporary: string) => void): void {
  const temporary = temporaryPath(target);
  try {
    removeLeftovers(target);
    write(temporary);
    requireWanted(target, stillWanted);
    renameSync(temporary, target);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // it was never created
    }
    throw error instanceof OperationError ? error : cannotPlace(target, error);
  }
}

function requireWanted(target: string, stillWanted: StillWanted): void {
  if (stillWanted()) return;
  throw new OperationError('wal-unavailable', `nobody waits for ${target} any more`, {
    hint: 'the server that asked for it has ended',
  });
}

function cannotPlace(target: string, cause: unknown): OperationError {
  return new OperationError('wal-unavailable', `cannot write ${target}: ${errorMessage(cause)}`, {
    hint: 'has its file system room, and may this user write there?',
    cause,
  });
}
