import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../base/atomicFile.ts';
import { OperationError, errorMessage, systemErrorCode } from '../base/errors.ts';
import { isId } from '../base/hex.ts';
import { masterKeyFromBytes, masterKeyToBytes, type MasterKey } from './crypto/masterKey.ts';
import type { Repository } from './repository.ts';

const warning = 'this is the master key of a backup repository: whoever reads it can read every backup';

/** A master key that needs no password, and what it is for. `Repository.open` takes it as credentials. */
export interface CachedKey {
  readonly repositoryId: string;
  /** The key file that it was taken from; once that is removed, the cached key opens nothing. */
  readonly keyId: string;
  readonly masterKey: MasterKey;
}

/** What an open repository knows of its key. */
type KeyHolder = Pick<Repository, 'config' | 'keyId' | 'masterKey'>;

/**
 * Writes an unwrapped master key to a file that its owner alone can read, so that a process that runs once a WAL
 * segment need not derive it. Whoever reads the file can read every backup: only on explicit wish. Throws `file-denied`
 * when others could replace the file, `file-io`.
 */
export function saveKeyCache(path: string, { config, keyId, masterKey }: KeyHolder): void {
  const master = masterKeyToBytes(masterKey).toString('base64');
  const document = { warning, repositoryId: config.id, keyId, masterKey: master };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    requirePrivateDirectory(dirname(path));
    writeFileAtomic(path, Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`), { mode: 0o600 });
  } catch (error) {
    throw translate(error, path, 'write');
  }
}

/**
 * Reads a cached key; undefined when the file is absent or no such key. Whether it fits is found by opening with it.
 * Throws `file-denied` when it is not private to the user who runs this process, or lies in a directory where others
 * could put another; `file-io`.
 */
export function loadKeyCache(path: string): CachedKey | undefined {
  try {
    requirePrivateDirectory(dirname(path));
    return parse(readPrivately(path));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw translate(error, path, 'read');
  }
}

/** Removes a cached key; succeeds when there is none. */
export function removeKeyCache(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw translate(error, path, 'remove');
  }
}

function readPrivately(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw refused(path, 'is not a regular file');
    if (found.uid !== process.geteuid?.()) throw refused(path, 'belongs to another user');
    if ((found.mode & 0o077) !== 0) throw refused(path, `may be used by others (mode ${octal(found)})`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function requirePrivateDirectory(path: string): void {
  const found = statSync(path);
  if (found.uid !== process.geteuid?.() && found.uid !== 0) throw refused(path, 'belongs to another user');
  if ((found.mode & 0o022) !== 0) throw refused(path, `may be written by others (mode ${octal(found)})`);
}

function parse(text: string): CachedKey | undefined {
  let document: Record<string, unknown>;
  try {
    document = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { repositoryId, keyId, masterKey } = document;
  if (typeof repositoryId !== 'string' || typeof keyId !== 'string' || typeof masterKey !== 'string') return undefined;
  const bytes = Buffer.from(masterKey, 'base64');
  if (!isId(repositoryId) || !isId(keyId) || bytes.length !== 64) return undefined;
  return { repositoryId, keyId, masterKey: masterKeyFromBytes(bytes) };
}

function octal(found: Stats): string {
  return (found.mode & 0o777).toString(8).padStart(3, '0');
}

function refused(path: string, problem: string): OperationError {
  return new OperationError('file-denied', `the key cache is refused: ${path} ${problem}`, {
    hint: 'it must be private to the user who runs this command: its directory 700, the file 600',
  });
}

function translate(error: unknown, path: string, verb: string): unknown {
  const system = systemErrorCode(error);
  if (error instanceof OperationError || system === undefined) return error;
  const denied = ['EACCES', 'EPERM', 'EROFS', 'ELOOP'].includes(system);
  return new OperationError(
    denied ? 'file-denied' : 'file-io',
    `cannot ${verb} the key cache ${path}: ${errorMessage(error)}`,
    {
      cause: error,
    },
  );
}
