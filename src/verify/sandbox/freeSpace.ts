import { statfsSync } from 'node:fs';
import { formatBytes } from '../../base/bytes.ts';
import { OperationError } from '../../base/errors.ts';

/** Throws `destination-full` when a file system has no room for what is to be restored there. */
export function requireFreeSpace(directory: string, neededBytes: bigint): void {
  const { bavail, bsize } = statfsSync(directory, { bigint: true });
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new OperationError(
    'destination-full',
    `the backup needs ${formatBytes(neededBytes)} to be restored, and ${directory} has ${formatBytes(freeBytes)} free`,
    {
      hint: 'name a directory with more room: --scratch, or verify.directory in the configuration',
      detail: { neededBytes: String(neededBytes), freeBytes: String(freeBytes) },
    },
  );
}
