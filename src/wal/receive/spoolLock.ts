import { lockDirectory } from '../../base/directoryLock.ts';
import { OperationError } from '../../base/errors.ts';

/**
 * Keeps other receivers out of a spool directory until it is disposed or this process ends. Where nobody can be kept
 * out (not Linux) the replication slot alone keeps two receivers apart. Throws `wal-slot` when another receiver has it.
 */
export async function lockSpool(directory: string): Promise<AsyncDisposable> {
  const lock = await lockDirectory(directory, 'wal-spool');
  if (lock !== undefined) return lock;
  throw new OperationError('wal-slot', `another receiver uses the WAL spool ${directory}`, {
    hint: 'is `understudy wal receive` already running for this source? every receiver needs a spool of its own',
    detail: { directory },
  });
}
