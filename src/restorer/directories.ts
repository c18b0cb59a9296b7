import { chmodSync, lchownSync, mkdirSync } from 'node:fs';
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
  onDestination('make writable', path, () => chmodSync(bytesOf(path), (stat.mode & 0o7777) | unfinishedMode));
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
      if (owner !== undefined) lchownSync(bytes, owner.uid, owner.gid);
      if (attributes.xattrs !== undefined) refused.push(...setXattrs(posix, bytes, attributes.xattrs));
      chmodSync(bytes, attributes.mode);
      setTimes(posix, bytes, attributes);
    });
  }
  return refused;
}
