import { join } from 'node:path';
import { moduleUrl } from '../../base/workerPool.ts';
import type { ArchiveStart } from '../background/openInBackground.ts';
import type { ServiceStart } from '../background/serveInBackground.ts';
import { startBackground } from '../background/startProcess.ts';
import type { RecoveryHistory } from './recoveryView.ts';

/** What the prefetcher process is started with; it holds the key, and goes through a pipe. */
export interface PrefetcherStart extends ServiceStart, ArchiveStart {
  readonly history: RecoveryHistory;
  /** The server that recovers; the prefetcher does not outlive it. */
  readonly serverPid: number | undefined;
}

/** Starts the prefetcher of a spool directory, unless one runs; resolves to whether one is ready. */
export function startPrefetcher(spool: string, start: Promise<PrefetcherStart>): Promise<boolean> {
  return startBackground(moduleUrl('./prefetcherProcess', import.meta), start, join(spool, 'prefetcher.log'));
}
