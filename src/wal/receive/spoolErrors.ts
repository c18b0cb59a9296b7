import { OperationError, errorMessage, systemErrorCode } from '../../base/errors.ts';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'free space there; until then nothing more is confirmed to the server, and nothing is lost',
  EDQUOT: 'the disk quota is used up; until there is room nothing more is confirmed to the server',
  EACCES: 'may this user read and write the spool directory?',
  EPERM: 'may this user read and write the spool directory?',
  EROFS: 'the file system is mounted read-only: did the kernel remount it after an error?',
};

const denied = ['EACCES', 'EPERM', 'EROFS'];

/** Translates a system error of file calls in the spool directory; other errors come back as they are. */
export function spoolFileError(error: unknown, directory: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined || error instanceof OperationError) return error;
  const message = `cannot use the WAL spool ${directory}: ${errorMessage(error)}`;
  return new OperationError(denied.includes(code) ? 'file-denied' : 'file-io', message, {
    hint: hints[code] ?? 'look into the kernel log: the disk may be failing',
    detail: { systemError: code },
    cause: error,
  });
}
