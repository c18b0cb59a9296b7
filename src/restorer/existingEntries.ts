import { lstatSync, readdirSync, realpathSync, readlinkSync, type Stats } from 'node:fs';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import { onDestination } from './destinationErrors.ts';

/** `lstat`, or undefined when there is nothing. Paths here are latin1 text. */
export function statExisting(path: string): Stats | undefined {
  return onDestination('look at', path, () => lstatSync(bytesOf(path), { throwIfNoEntry: false }));
}

/** Names in a directory. */
export function listNames(path: string): Set<string> {
  const names = onDestination('list', path, () => readdirSync(bytesOf(path), { encoding: 'buffer' }));
  return new Set(names.map((name) => name.toString('latin1')));
}

export function readTarget(path: string): Buffer {
  return onDestination('read', path, () => readlinkSync(bytesOf(path), { encoding: 'buffer' }));
}

/**
 * The directory that a destination names, symbolic links on the way to it resolved (they are the user's own), and
 * whether it exists. Throws `destination-io` when something else than a directory is there.
 */
export function resolveDestination(destination: string): { path: string; exists: boolean } {
  try {
    const path = realpathSync(bytesOf(destination), { encoding: 'buffer' }).toString('latin1');
    if (statExisting(path)?.isDirectory() === true) return { path, exists: true };
    throw new OperationError('destination-io', `cannot restore to ${bytesOf(path).toString()}: it is not a directory`, {
      hint: 'name a directory, or a path where there is nothing yet',
    });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { path: destination, exists: false };
    throw error;
  }
}

/** A new file system's own directory does not make it non-empty. */
const ignoredNames = new Set(['lost+found']);

/** Throws `destination-not-empty` unless a directory is empty. */
export function requireEmpty(path: string): void {
  const names = [...listNames(path)].filter((name) => !ignoredNames.has(name));
  if (names.length === 0) return;
  throw new OperationError('destination-not-empty', `cannot restore to ${bytesOf(path).toString()}: it is not empty`, {
    hint: '--delta rewrites only what differs from the backup, --force replaces what is there',
    detail: { entries: names.length },
  });
}

export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
