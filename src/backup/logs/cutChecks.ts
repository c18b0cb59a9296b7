import { closeSync, openSync, unlinkSync, type BigIntStats } from 'node:fs';
import { temporaryPath, writeAllSync } from '../../base/atomicFile.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';
import type { Piece } from './pieceName.ts';
import { describeWriters, findWriters, isBeingWritten } from './writers.ts';

/** Throws `source-unsuitable` unless every process that writes to the log appends to it. */
export function refuseOtherWriters(directory: LogDirectory, log: string, stat: BigIntStats): void {
  if (isBeingWritten(directory.posix, directory.join(log)) === false) return;
  const writers = findWriters(stat);
  const unsuitable = writers.filter(({ appends }) => !appends);
  if (writers.length > 0 && unsuitable.length === 0) return;
  const problem = unsuitable.length > 0 ? ', which does not append' : '';
  throw new OperationError(
    'source-unsuitable',
    `${log} cannot be shortened under ${describeWriters(unsuitable)}${problem}`,
    {
      hint:
        unsuitable.length > 0
          ? 'let the program open its log for appending (O_APPEND; `>>` in a shell), or use method rename'
          : 'run as root, and where the processes of the writer are seen (not inside another container)',
      detail: { log, pids: unsuitable.map(({ pid }) => pid) },
    },
  );
}

/** Throws `source-unsuitable` when the file system cannot take blocks out of a file; it is tried, nothing tells it. */
export function refuseFileSystem(directory: LogDirectory, piece: Piece, blockBytes: number): void {
  const path = temporaryPath(directory.join(piece.name));
  const fd = openSync(path, 'wx+', 0o600);
  try {
    writeAllSync(fd, Buffer.alloc(blockBytes + 1, 1));
    directory.posix.punchHole(fd, 0, blockBytes);
    directory.posix.collapseRange(fd, 0, blockBytes);
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS'].includes(systemErrorCode(error) ?? '')) throw error;
    throw new OperationError(
      'source-unsuitable',
      `the file system of ${directory.path} cannot shorten a log without loss`,
      {
        hint: 'use method rename, or keep the logs on ext4 or XFS: between copying and truncating lines would be lost',
        cause: error,
      },
    );
  } finally {
    closeSync(fd);
    unlinkSync(path);
  }
}
