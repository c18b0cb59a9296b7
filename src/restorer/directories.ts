import { chmodSync, closeSync, constants, fchmodSync, fchownSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import type { Posix } from '../base/posix.ts';
import { onDestination } from './destinationErrors.ts';
import { bytesOf, statExisting } from './existingEntries.ts';
import type { Attributes, PlannedDirectory } from './restorePlan.ts';
import { setTimes, setXattrs } from './worker/finishFiles.ts';

/** Nobody else may look at, or plant anything in, what is half restored. */
const unfinishedMode = 0o700;
const ownerMayWrite = 0o300;

/** Numbers of the user and group that something shall belong to; undefined leaves it as it is. */
export type OwnerOf = (attributes: Attributes) => { uid: number; gid: number } | undefined;

/** Creates the planned directories, private until they are finished; existing ones become writable. */
export function createDirectories(directories: readonly PlannedDirectory[]): void {
  for (const { path, exists } of directories) {
    if (exists) makeWritable(path);
    else onDestination('create', path, () => createDirectory(path));
  }
}

function createDirectory(path: string): void {
  try {
    mkdirSync(bytesOf(path), { mode: unfinishedMode });
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    // only above the destination itself, or above a redirection
    mkdirSync(bytesOf(dirname(path)), { recursive: true });
    mkdirSync(bytesOf(path), { mode: unfinishedMode });
  }
}

function makeWritable(path: string): void {
  const stat = statExisting(path);
  if (stat === undefined || stat.uid !== process.getuid?.() || (stat.mode & ownerMayWrite) === ownerMayWrite) return;
  const mode = (stat.mode & 0o7777) | unfinishedMode;
  onDestination('make writable', path, () => {
    // root never follows a link that somebody put here meanwhile; anybody else can only change what is theirs
    if (process.getuid?.() === 0) withDirectory(path, (fd) => fchmodSync(fd, mode));
    else chmodSync(bytesOf(path), mode);
  });
}

/** Gives directories their attributes, children before parents, so that times stay. Returns what was refused. */
export function finishDirectories(
  directories: readonly PlannedDirectory[],
  { posix, ownerOf }: { posix: Posix | undefined; ownerOf: OwnerOf },
): string[] {
  const refused: string[] = [];
  for (const { path, attributes } of directories.toReversed()) {
    if (attributes === undefined) continue;
    const bytes = bytesOf(path);
    onDestination('set the attributes of', path, () => {
      const owner = ownerOf(attributes);
      withDirectory(path, (fd) => {
        if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
        if (attributes.xattrs !== undefined) refused.push(...setXattrs(posix, bytes, attributes.xattrs));
        fchmodSync(fd, attributes.mode);
      });
      setTimes(posix, bytes, attributes);
    });
  }
  return refused;
}

/** Whoever owns what is above may have put a link in the place of a directory: it is not followed. */
function withDirectory(path: string, work: (fd: number) => void): void {
  const fd = openSync(bytesOf(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}
