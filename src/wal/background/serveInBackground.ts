import { OperationError } from '../../base/errors.ts';
import { IdleTimer } from './idleTimer.ts';
import { listenLocally } from './localSocket.ts';
import { otherOrigin, type ServiceRequest } from './serviceRequest.ts';
import { tellReady } from './startProcess.ts';

/** What every background process is started with. */
export interface ServiceStart {
  /** Private directory, with the process's socket in it. */
  readonly spool: string;
  /** What its work is about (repository, cluster, ...); requests with another origin are not served. */
  readonly origin: string;
  /** It ends when nobody has asked for this long. */
  readonly idleMs: number;
}

export interface BackgroundService extends AsyncDisposable {
  answer(request: never): Promise<unknown>;
  /** For status; JSON values. */
  state(): Readonly<Record<string, unknown>>;
}

export interface Ending {
  /** Ends the process as soon as what is under way is answered. */
  end(): void;
  /** The time of idleness begins anew. */
  touch(): void;
}

/**
 * Serves requests on the socket `name` until told to stop, idle, or asked for another origin. Returns at once when
 * another process serves there. Should two serve at once after all, they only do the same work twice.
 */
export async function serveInBackground(
  start: ServiceStart,
  name: string,
  open: (ending: Ending) => Promise<BackgroundService>,
): Promise<void> {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const idle = new IdleTimer(start.idleMs, end);
  let opened!: (service: BackgroundService) => void;
  const service = new Promise<BackgroundService>((resolve) => (opened = resolve));

  const answer = async (request: ServiceRequest): Promise<unknown> => {
    if (request.kind === 'stop') return end();
    if (request.kind === 'state') return { pid: process.pid, ...(await service).state() };
    if (request.origin !== start.origin) {
      end();
      return otherOrigin;
    }
    try {
      return await (await service).answer(request as never);
    } catch (error) {
      if (!(error instanceof OperationError)) end(); // a bug, or our threads are dead: better begin anew
      throw error;
    }
  };

  const server = await listenLocally(start.spool, name, (request) =>
    idle.during(() => answer(request as ServiceRequest)),
  );
  if (server === undefined) {
    tellReady(); // another one answers
    return idle.stop();
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  await using running = await open({ end, touch: () => idle.touch() });
  opened(running);
  tellReady();
  await ended;
  idle.stop();
  await server.close();
}
