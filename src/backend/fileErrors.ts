import { OperationError, errorMessage, systemErrorCode } from '../base/errors.ts';
import type { ErrorCode } from '../base/errorCodes.ts';

interface Translation {
  readonly code: ErrorCode;
  readonly hint?: string;
}

const full: Translation = { code: 'backend-full', hint: 'free space there, or run `understudy prune`' };
const quota: Translation = { code: 'backend-full', hint: 'the disk quota of this user is used up: raise it or prune' };
const denied: Translation = { code: 'backend-denied', hint: 'may this user read and write the repository directory?' };
const readOnly: Translation = {
  code: 'backend-denied',
  hint: 'the file system is mounted read-only: did the kernel remount it after an error?',
};
const inTheWay: Translation = {
  code: 'backend-denied',
  hint: 'something that is not ours is in the way: is this directory really a repository?',
};
const noLinks: Translation = {
  code: 'backend-denied',
  hint: 'the file system must support hard links, which decide who of several writers wins',
};
const away: Translation = { code: 'backend-unavailable', hint: 'is the file system still mounted, and its server up?' };
const busy: Translation = { code: 'backend-unavailable' };
const io: Translation = { code: 'backend-io', hint: 'look into the kernel log: the disk may be failing' };

const translations: Readonly<Record<string, Translation>> = {
  ENOSPC: full,
  EDQUOT: quota,
  EACCES: denied,
  EPERM: denied,
  EROFS: readOnly,
  ENOTDIR: inTheWay,
  EISDIR: inTheWay,
  ELOOP: inTheWay,
  ENAMETOOLONG: inTheWay,
  ENOENT: away,
  ESTALE: away,
  ENOTCONN: away,
  EHOSTDOWN: away,
  ETIMEDOUT: away,
  ENODEV: away,
  EAGAIN: busy,
  EBUSY: busy,
  EINTR: busy,
  EMFILE: busy,
  ENFILE: busy,
};

/** System errors that libuv has no name for, by their number on Linux. */
const unnamed: Readonly<Record<number, string>> = { [-116]: 'ESTALE', [-122]: 'EDQUOT' };

/**
 * Translates a system error of file calls on the repository's directory into the `backend-*` errors; whatever is not
 * known is `backend-io`. `attempt` completes "cannot ...": `write snapshots/ab12`. Errors that are no system errors
 * (ours, a bug's, an abort's) come back as they are.
 * ENOENT means here that the directory itself is gone: absence of one object is the caller's to tell.
 */
export function translateFileError(error: unknown, attempt: string): unknown {
  const name = systemErrorName(error);
  if (name === undefined) return error;
  const noHardLinks = systemCall(error) === 'link' && ['EPERM', 'ENOTSUP', 'ENOSYS'].includes(name);
  const { code, hint } = noHardLinks ? noLinks : (translations[name] ?? io);
  return new OperationError(code, `cannot ${attempt}: ${errorMessage(error)}`, {
    ...(hint === undefined ? {} : { hint }),
    detail: { systemError: name },
    cause: error,
  });
}

/** True when a file call failed because there is no such file, be it that a directory on the way is missing. */
export function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemErrorCode(error) ?? '');
}

function systemErrorName(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return undefined;
  return unnamed[error.errno] ?? systemErrorCode(error);
}

function systemCall(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : undefined;
}
