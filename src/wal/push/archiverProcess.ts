/** Entry of the background archiver; see walPushRequest.ts for what it is asked, startArchiver.ts for how it starts. */
import { defaultThreadCount } from '../../base/workerPool.ts';
import { openInBackground } from '../background/openInBackground.ts';
import { serveInBackground } from '../background/serveInBackground.ts';
import { readStartMessage } from '../background/startProcess.ts';
import { claimArchive } from '../walClusters.ts';
import { archiverPlace, type ArchiverRequest } from '../walPushRequest.ts';
import { Archiver } from './archiver.ts';
import type { ArchiverStart } from './startArchiver.ts';

/** How long an answer may wait for files ahead of it: each time archive_command asks costs a process. */
const aheadMs = 500;

const start = (await readStartMessage()) as unknown as ArchiverStart;
const { ctx, repository, archive } = await openInBackground('archiver', start);
await claimArchive(ctx, archive, { named: start.named });

/**
 * One more than cores: one waits for the disk. More than three would keep up with no server and need too much memory.
 */
const threads = Math.min(defaultThreadCount() + 1, 3);

await serveInBackground(start, archiverPlace(start.spool).name, async () => {
  const archiver = await Archiver.open(ctx, {
    repository,
    archive,
    spool: start.spool,
    threads,
  });
  return {
    answer: async ({ path }: ArchiverRequest) => {
      await archiver.store(path);
      // a little later there is more that archive_command need not ask for
      await Promise.race([archiver.idle(), ctx.clock.sleep(aheadMs)]);
      return 'stored';
    },
    state: () => ({ storedFiles: archiver.storedFiles }),
    [Symbol.asyncDispose]: () => archiver[Symbol.asyncDispose](),
  };
});
process.exit(0);
