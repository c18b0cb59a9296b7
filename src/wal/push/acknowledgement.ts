import { closeSync, constants, openSync, readdirSync, statSync, unlinkSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { loadPosix } from '../../base/posix.ts';

const suffix = '.ok';

/** What tells one version of a file from another. */
export interface FileIdentity {
  readonly mtimeNs: bigint;
  readonly sizeBytes: bigint;
  readonly inode: bigint;
}

/** The identity of a file as it is now. Throws Node's system errors. */
export function identityOf(path: string): FileIdentity {
  return identityOfStat(statSync(path, { bigint: true }));
}

export function identityOfStat({ mtimeNs, size, ino }: BigIntStats): FileIdentity {
  return { mtimeNs, sizeBytes: size, inode: ino };
}

export function sameIdentity(one: FileIdentity, other: FileIdentity): boolean {
  return one.mtimeNs === other.mtimeNs && one.sizeBytes === other.sizeBytes && one.inode === other.inode;
}

/** Path of the acknowledgement that `archive_command` looks for. */
export function acknowledgementPath(spool: string, fileName: string): string {
  return join(spool, fileName + suffix);
}

/**
 * Tells archive_command that this version of a file is stored: an empty file with exactly the modification time of the
 * stored one. A file that is written again gets another time, and the acknowledgement no longer fits, whatever the
 * clock does meanwhile. Without the system call that sets nanoseconds nothing is told, and archive_command asks us.
 */
export function acknowledge(spool: string, fileName: string, { mtimeNs }: FileIdentity): void {
  const posix = loadPosix();
  if (posix === undefined) return;
  const path = acknowledgementPath(spool, fileName);
  closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600));
  posix.setTimes(Buffer.from(path), mtimeNs, mtimeNs);
}

/** Removes acknowledgements; without a filter all. */
export function withdrawAcknowledgements(spool: string, isStale: (fileName: string) => boolean = () => true): void {
  for (const name of readdirSync(spool)) {
    if (name.endsWith(suffix) && isStale(name.slice(0, -suffix.length))) unlinkSync(join(spool, name));
  }
}
