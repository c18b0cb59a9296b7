/**
 * Entry of the background prefetcher; see walGetRequest.ts for what it is asked, startPrefetcher.ts for how it starts.
 */
import { existsSync } from 'node:fs';
import { defaultThreadCount } from '../../base/workerPool.ts';
import { openInBackground } from '../background/openInBackground.ts';
import { serveInBackground } from '../background/serveInBackground.ts';
import { readStartMessage } from '../background/startProcess.ts';
import { prefetcherPlace, type PrefetcherRequest } from '../walGetRequest.ts';
import { endLeaseOf, readLeaseFile, renewLeaseIfDue } from '../walLeaseFile.ts';
import { Prefetcher } from './prefetcher.ts';
import type { PrefetcherStart } from './startPrefetcher.ts';

const aheadBytes = 256 * 1024 * 1024;
const serverCheckMs = 2_000;
/** Replay is one thread: more than this only need memory. */
const maxThreads = 3;

const start = (await readStartMessage()) as unknown as PrefetcherStart;
const { ctx, repository, archive } = await openInBackground('prefetcher', start);

await serveInBackground(start, prefetcherPlace(start.spool).name, async (ending) => {
  const { spool, history, serverPid } = start;
  const lease = readLeaseFile(spool);
  const renew = () => void renewLeaseIfDue(ctx, archive, spool);
  const threads = Math.min(defaultThreadCount(), maxThreads);
  const prefetcher = await Prefetcher.open(ctx, {
    repository,
    archive,
    history,
    spool,
    threads,
    aheadBytes,
    onTaken: () => {
      ending.touch();
      renew();
    },
  });
  const check = setInterval(() => {
    // whoever has recovered removes the spool: nothing will be asked any more
    if (!existsSync(spool) || (serverPid !== undefined && !lives(serverPid))) ending.end();
  }, serverCheckMs);
  return {
    answer: ({ name }: PrefetcherRequest) => {
      renew();
      return prefetcher.fetch(name);
    },
    state: () => ({ readySegments: prefetcher.readySegments }),
    [Symbol.asyncDispose]: async () => {
      clearInterval(check);
      await prefetcher[Symbol.asyncDispose]();
      if (lease !== undefined && !existsSync(spool)) await endLeaseOf(ctx, archive, lease);
    },
  };
});
process.exit(0);

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
