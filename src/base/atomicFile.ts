import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Largest piece handed to one write(): bigger ones cost several times more CPU (docs/decisions/0003). */
export const writePieceBytes = 256 * 1024;

export interface AtomicWriteOptions {
  /** Permission bits; default 0o600. */
  readonly mode?: number;
  /** Fail with EEXIST when the file is already there, decided atomically; default false (replace). */
  readonly exclusive?: boolean;
  /** fsync the directory too; false only when the caller syncs it once for many files. Default true. */
  readonly syncDirectory?: boolean;
  /** Called with the complete file before it is synced and gets its name: for owner and permissions. */
  readonly finish?: (fd: number) => void;
}

/**
 * Writes a whole file so that after a crash it is either absent (or its old self) or complete:
 * temporary name in the same directory, write, fsync, rename (or link, if exclusive), fsync the directory.
 * Throws Node's system errors; on any of them no temporary file stays behind.
 */
export function writeFileAtomic(
  path: string,
  parts: Uint8Array | readonly Uint8Array[],
  options: AtomicWriteOptions = {},
): void {
  const directory = dirname(path);
  const temporary = temporaryPath(path);
  let fd: number | undefined;
  try {
    fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, options.mode ?? 0o600);
    for (const part of parts instanceof Uint8Array ? [parts] : parts) writeAllSync(fd, part);
    options.finish?.(fd);
    fsyncSync(fd);
    const written = fd;
    fd = undefined; // also when closing fails: the number may by then belong to another file
    closeSync(written);
    if (options.exclusive === true) {
      linkSync(temporary, path);
      unlinkSync(temporary);
    } else {
      renameSync(temporary, path);
    }
  } catch (error) {
    if (fd !== undefined) closeQuietly(fd);
    removeQuietly(temporary);
    throw error;
  }
  if (options.syncDirectory !== false) syncDirectory(directory);
}

/** Name for a file under construction beside its final place; readers skip names with `-tmp-`. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `${basename(path)}-tmp-${randomBytes(6).toString('hex')}`);
}

/** Writes all bytes at the current position in pieces of at most `writePieceBytes`. */
export function writeAllSync(fd: number, bytes: Uint8Array, position: number | null = null): void {
  let done = 0;
  while (done < bytes.byteLength) {
    const length = Math.min(writePieceBytes, bytes.byteLength - done);
    done += writeSync(fd, bytes, done, length, position === null ? null : position + done);
  }
}

/** Makes names created, renamed or removed in a directory durable. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // the error that led here is the one to report
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never created, or is already renamed
  }
}
