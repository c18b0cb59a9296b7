import { OperationError, systemErrorCode } from '../../base/errors.ts';

/**
 * Runs file calls in a directory of logs. `attempt` completes "cannot ...". System errors become `file-missing`,
 * `file-denied` or `file-io`.
 */
export async function onLogs<T>(attempt: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const name = systemErrorCode(error);
    if (name === undefined || error instanceof OperationError) throw error;
    const denied = ['EACCES', 'EPERM', 'EROFS'].includes(name);
    const code = name === 'ENOENT' || name === 'ENOTDIR' ? 'file-missing' : denied ? 'file-denied' : 'file-io';
    throw new OperationError(code, `cannot ${attempt}: ${name}`, {
      hint: hintOf(name, denied),
      detail: { systemError: name },
      cause: error,
    });
  }
}

function hintOf(name: string, denied: boolean): string {
  if (denied) return 'run as root or as the owner of the logs; is a file append-only or immutable (lsattr)?';
  if (name === 'ENOENT' || name === 'ENOTDIR') return 'is the path right, and its disk mounted?';
  if (name === 'ENOSPC' || name === 'EDQUOT') return 'free space there; nothing is lost, the next run goes on';
  return 'look into the kernel log: the disk may be failing';
}
