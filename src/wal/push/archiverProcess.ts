/** Entry of the background archiver; see walPushRequest.ts for what it is asked, startArchiver.ts for how it starts. */
import { openBackend } from '../../backend/openBackend.ts';
import { createContext } from '../../base/context.ts';
import { OperationError, assert } from '../../base/errors.ts';
import { defaultThreadCount } from '../../base/workerPool.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { Repository } from '../../repository/repository.ts';
import { importCredentials } from '../../repository/sealedObject.ts';
import { IdleTimer } from '../background/idleTimer.ts';
import { listenLocally } from '../background/localSocket.ts';
import { processLog } from '../background/processLog.ts';
import { readStartMessage, tellReady } from '../background/startProcess.ts';
import { WalArchive } from '../walArchive.ts';
import { claimArchive } from '../walClusters.ts';
import { Archiver } from './archiver.ts';
import { archiverSocket, type ArchiverRequest, type ArchiverState } from '../walPushRequest.ts';
import type { ArchiverStart } from './startArchiver.ts';

const abort = new AbortController();
const ctx = createContext({ signal: abort.signal, log: processLog({ process: 'archiver' }) });
process.on('SIGHUP', () => undefined);

const start = (await readStartMessage()) as unknown as ArchiverStart;
const repository = await Repository.open(ctx, await openBackend(start.location), importCredentials(start.credentials));
const archive = WalArchive.of(repository, parseSystemIdentifier(start.systemIdentifier));
await claimArchive(ctx, archive, { named: start.named });

let ended!: () => void;
const end = new Promise<void>((resolve) => (ended = resolve));
const idle = new IdleTimer(start.idleMs, () => ended());
let archiver: Archiver | undefined;

const server = await listenLocally(start.spool, archiverSocket, (request) =>
  idle.during(() => answer(request as never)),
);
if (server !== undefined) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, ended);
  archiver = await Archiver.open(ctx, { repository, archive, spool: start.spool, threads: defaultThreadCount() });
  tellReady();
  await end;
  idle.stop();
  await server.close();
  await archiver[Symbol.asyncDispose]();
} else {
  tellReady(); // another one answers
}
process.exit(0);

async function answer(request: ArchiverRequest): Promise<ArchiverState | string> {
  if (request.kind === 'stop') {
    ended();
    return 'stopping';
  }
  assert(archiver !== undefined, 'the archiver says that it is ready only when it is');
  if (request.kind === 'state') return { pid: process.pid, storedFiles: archiver.storedFiles };
  if (request.origin !== start.origin) {
    ended(); // it is asked for another repository: another archiver takes over
    return 'other-repository';
  }
  await archiver.store(request.path).catch((error: unknown) => {
    if (!(error instanceof OperationError)) ended(); // our threads are dead
    throw error;
  });
  return 'stored';
}
