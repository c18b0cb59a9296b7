import { statfs } from 'node:fs/promises';
import { OperationError } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';

/** What is left to the writers of the logs, at most; on a small file system a twentieth of it. */
const mostReserveBytes = 1024 ** 3;
const reserveShare = 1 / 20;

/** Throws `file-io` when so many more bytes would leave too little to those who write there. */
export async function refuseLittleSpace(directory: LogDirectory, name: string, neededBytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(directory.path);
  const reserveBytes = Math.min(blocks * bsize * reserveShare, mostReserveBytes);
  if (bavail * bsize >= neededBytes + reserveBytes) return;
  throw new OperationError('file-io', `there is too little space for a copy of ${name}`, {
    hint: `free space in ${directory.path}; nothing is lost, the next run goes on`,
    detail: { name, neededBytes, freeBytes: bavail * bsize },
  });
}
