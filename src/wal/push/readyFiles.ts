import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { parseWalFileName } from '../../postgres/walFileName.ts';

const suffix = '.ready';

/** Names of the files that PostgreSQL waits to have archived, in its own order: history files first, then by name. */
export function readyFiles(walDirectory: string): string[] {
  const names = readStatus(walDirectory)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .filter((name) => parseWalFileName(name) !== undefined)
    .sort();
  const isHistory = (name: string): boolean => name.endsWith('.history');
  return [...names.filter(isHistory), ...names.filter((name) => !isHistory(name))];
}

/** Whether PostgreSQL still waits for this file. */
export function isReady(walDirectory: string, fileName: string): boolean {
  return existsSync(join(walDirectory, 'archive_status', fileName + suffix));
}

function readStatus(walDirectory: string): string[] {
  try {
    return readdirSync(join(walDirectory, 'archive_status'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []; // not the pg_wal of a cluster
    throw error;
  }
}
