import { chmodSync, mkdirSync, statSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage, isOperationError } from '../../base/errors.ts';

/**
 * Makes sure that a directory is there and that nobody but its owner, who must be us, may look into it.
 * Throws `file-denied` when it belongs to somebody else, `file-io` when it cannot be made.
 */
export function openPrivateDirectory(path: string): void {
  let owner: number;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = statSync(path);
    owner = found.uid;
    if (owner === process.geteuid?.() && (found.mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (cause) {
    throw new OperationError('file-io', `cannot use ${path} as a spool directory: ${errorMessage(cause)}`, {
      hint: 'name a directory that the user who runs PostgreSQL may create',
      cause,
    });
  }
  if (owner !== process.geteuid?.()) {
    throw new OperationError('file-denied', `the spool directory ${path} belongs to another user`, {
      hint: 'a spool belongs to the user who runs PostgreSQL; give this cluster one of its own',
    });
  }
}

/** As `openPrivateDirectory`, for what can do without: a failure is logged, and false. */
export function canUsePrivateDirectory(ctx: Context, path: string): boolean {
  try {
    openPrivateDirectory(path);
    return true;
  } catch (error) {
    if (!isOperationError(error)) throw error;
    ctx.log.warn({ err: error }, 'cannot use the spool directory');
    return false;
  }
}
