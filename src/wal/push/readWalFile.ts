import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OperationError, errorMessage, systemErrorCode } from '../../base/errors.ts';
import { controlFilePath, parseControlFile } from '../../postgres/controlFile.ts';
import { parseWalFileName, type WalFileName } from '../../postgres/walFileName.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { usedWal } from '../usedWal.ts';
import { identityOfStat, type FileIdentity } from './acknowledgement.ts';

export interface WalFileOnDisk {
  readonly file: WalFileName;
  readonly content: Buffer;
  readonly identity: FileIdentity;
}

/** Largest piece of one read: bigger ones leave the cache of a core. */
const pieceBytes = 256 * 1024;
const maxFileBytes = 1024 * 1024 * 1024;
/** A server may be writing pg_control at the very moment. */
const controlFileTries = 10;

/** What the base name of a path says; throws `wal-invalid` for a name that PostgreSQL does not archive. */
export function walFileOfPath(path: string): WalFileName {
  const file = parseWalFileName(basename(path));
  if (file !== undefined) return file;
  throw new OperationError('wal-invalid', `${basename(path)} is not the name of a file that PostgreSQL archives`, {
    hint: 'archive_command must pass %p: understudy wal push "%p"',
    detail: { path },
  });
}

/**
 * Reads a file of pg_wal. Of an unfinished segment only the part with WAL. `buffer` is used when it is large enough.
 * Throws `wal-invalid` for a foreign name, `file-missing`, `file-denied`, `file-io`, and `source-changed` when it changed
 * while it was read.
 */
export function readWalFile(path: string, buffer?: Buffer): WalFileOnDisk {
  const file = walFileOfPath(path);
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY);
    const identity = identityOfStat(fstatSync(fd, { bigint: true }));
    const size = Number(identity.sizeBytes);
    if (size > maxFileBytes) throw new OperationError('wal-invalid', `${path} is larger than any WAL file`);
    const content = buffer !== undefined && buffer.length >= size ? buffer.subarray(0, size) : Buffer.allocUnsafe(size);
    const after = readAll(fd, content) ? identityOfStat(fstatSync(fd, { bigint: true })) : undefined;
    if (after?.sizeBytes !== identity.sizeBytes || after.mtimeNs !== identity.mtimeNs) throw changed(path);
    return { file, content: file.kind === 'partial' ? usedWal(content) : content, identity };
  } catch (error) {
    throw translate(error, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * The cluster whose pg_wal holds this file, from the control file beside pg_wal. Throws `file-missing`, ... when there
 * is none: the caller can name the cluster.
 */
export function clusterOfWalFile(path: string): SystemIdentifier {
  const control = join(dirname(dirname(path)), controlFilePath);
  for (let left = controlFileTries; left > 0; left--) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(control);
    } catch (error) {
      throw translate(error, control);
    }
    const reading = parseControlFile(bytes);
    if (reading.state === 'sound') return reading.controlFile.systemIdentifier;
  }
  throw new OperationError('file-io', `${control} is damaged`, { hint: 'name the cluster with --cluster' });
}

/** Size of a file, or 0 when it is not there. */
export function sizeOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readAll(fd: number, target: Buffer): boolean {
  for (let done = 0; done < target.length;) {
    const count = readSync(fd, target, done, Math.min(pieceBytes, target.length - done), null);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

function changed(path: string): OperationError {
  return new OperationError('source-changed', `${path} changed while it was read`, {
    hint: 'PostgreSQL does not write to a segment that it has archived: who else does?',
  });
}

function translate(error: unknown, path: string): unknown {
  const system = systemErrorCode(error);
  if (error instanceof OperationError || system === undefined) return error;
  const code = system === 'ENOENT' ? 'file-missing' : ['EACCES', 'EPERM'].includes(system) ? 'file-denied' : 'file-io';
  return new OperationError(code, `cannot read ${path}: ${errorMessage(error)}`, {
    hint: 'is the path that of a file in pg_wal, and does this run as the user who runs PostgreSQL?',
    cause: error,
  });
}
