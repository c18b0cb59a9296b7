import { constants, closeSync, fchmodSync, fchownSync, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a file, before it gets its name, an object of a repository directory: read-only, which guards against accidents
 * as stock restic does, and of the right owner. Some file systems know neither, and need not.
 */
export function finishObjectFile(fd: number, mode: number): void {
  giveToOwner(fd);
  try {
    fchmodSync(fd, mode & ~0o222);
  } catch {
    // the object is complete all the same
  }
}

/** Makes a directory of a repository. Throws Node's system errors, EEXIST when it is there. */
export function makeObjectDirectory(path: string, mode: number): void {
  mkdirSync(path, { mode });
  if (!isRoot()) return;
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  giveToOwner(fd);
  closeSync(fd);
}

/**
 * What root makes in a directory of another user belongs to that user, who else could neither read nor remove it. Where
 * it lies is asked of the kernel, by descriptor: that user can put links in our way to what is not theirs.
 */
function giveToOwner(fd: number): void {
  if (!isRoot()) return;
  try {
    const place = dirname(readlinkSync(`/proc/self/fd/${fd}`, 'latin1'));
    const { uid, gid } = statSync(Buffer.from(place, 'latin1'));
    if (uid !== 0) fchownSync(fd, uid, gid);
  } catch {
    // it is complete and durable all the same
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
