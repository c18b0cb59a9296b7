import { join } from 'node:path';
import { moduleUrl } from '../../base/workerPool.ts';
import type { ArchiveStart } from '../background/openInBackground.ts';
import type { ServiceStart } from '../background/serveInBackground.ts';
import { startBackground } from '../background/startProcess.ts';

/** What the archiver process is started with; it holds the key, and goes through a pipe. */
export interface ArchiverStart extends ServiceStart, ArchiveStart {
  /** The cluster was named, not found. */
  readonly named: boolean;
}

/** Starts the archiver of a spool directory, unless one runs; resolves to whether one is ready. */
export function startArchiver(spool: string, start: Promise<ArchiverStart>): Promise<boolean> {
  return startBackground(moduleUrl('./archiverProcess', import.meta), start, join(spool, 'archiver.log'));
}
