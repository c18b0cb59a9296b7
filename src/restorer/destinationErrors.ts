import type { ErrorCode } from '../base/errorCodes.ts';
import { OperationError, systemErrorCode } from '../base/errors.ts';

interface Translation {
  readonly code: ErrorCode;
  readonly hint: string;
}

const full: Translation = {
  code: 'destination-full',
  hint: 'free space there or restore to a larger file system, then restore again with --delta',
};
const denied: Translation = { code: 'file-denied', hint: 'run as root or as the owner of the destination' };
const inTheWay: Translation = {
  code: 'destination-io',
  hint: 'something else changes the destination: stop it and restore again',
};

const translations: Readonly<Record<string, Translation>> = {
  ENOSPC: full,
  EDQUOT: { ...full, hint: 'the disk quota of this user is used up: raise it, then restore again with --delta' },
  EACCES: denied,
  EPERM: denied,
  EROFS: {
    code: 'destination-io',
    hint: 'the file system is mounted read-only: did the kernel remount it after an error?',
  },
  ETXTBSY: inTheWay,
  ENOENT: inTheWay,
  ENOTDIR: inTheWay,
  EISDIR: inTheWay,
  EEXIST: inTheWay,
  ENOTEMPTY: inTheWay,
  ELOOP: inTheWay,
  EFBIG: { code: 'destination-io', hint: 'the file system cannot hold files of this size' },
  ENAMETOOLONG: { code: 'destination-io', hint: 'the path is too long here: restore to a shorter destination' },
};
const io: Translation = { code: 'destination-io', hint: 'look into the kernel log: the disk may be failing' };

/**
 * Translates a system error of a call on the destination. `attempt` completes "cannot ...". Errors that are no system
 * errors come back as they are.
 */
export function destinationError(error: unknown, attempt: string, path: string | Buffer): unknown {
  const name = systemErrorCode(error);
  if (name === undefined || error instanceof OperationError) return error;
  const { code, hint } = translations[name] ?? io;
  const shown = typeof path === 'string' ? Buffer.from(path, 'latin1').toString() : path.toString();
  return new OperationError(code, `cannot ${attempt} ${shown}: ${name}`, {
    hint,
    detail: { path: shown, systemError: name },
    cause: error,
  });
}

/** Runs a file call on the destination and translates what it throws. `path` is latin1 text or raw bytes. */
export function onDestination<T>(attempt: string, path: string | Buffer, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw destinationError(error, attempt, path);
  }
}
