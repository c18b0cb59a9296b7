import type { Context } from '../base/context.ts';
import { defaultThreadCount } from '../base/workerPool.ts';
import { Troubles } from './receive/persistence.ts';
import { ArchiveWriter } from './receive/archiveWriter.ts';
import { Receiver } from './receive/receiver.ts';
import { Spool } from './receive/spool.ts';
import { StatusMeter } from './receive/statusMeter.ts';
import { StopRequest } from './receive/stopRequest.ts';
import type { ReceiveWalOptions } from './receiveOptions.ts';
import type { ReceiveStatus } from './receiveStatus.ts';

const defaultPartialIntervalMs = 2_000;
const statusIntervalMs = 1_000;
/** How long the repository may take for the last of the WAL once we are to stop. */
const graceMs = 30_000;

/**
 * Streams the WAL of a server into the repository's archive. What the server is told to be flushed is durable in the
 * spool or in the repository, so that the receiver may be a synchronous standby; whole segments go to the repository at
 * once, the unfinished one while it grows, and at once when the connection breaks. Follows timelines, reconnects, and
 * continues where an earlier receiver was interrupted, however that ended.
 *
 * Resolves when `until` is reached, or when `ctx.signal` aborted and everything that had arrived is in the repository;
 * a problem with the repository is waited out. Throws `wal-slot` (in use, lost), `cluster-mismatch`, `wal-conflict`,
 * `wal-invalid`, `file-io` and `file-denied` (spool), `interrupted` when the end took too long, and at the first
 * connection what `openReplicationConnection` throws.
 */
export async function receiveWal(ctx: Context, options: ReceiveWalOptions): Promise<ReceiveStatus> {
  using stop = new StopRequest(ctx, graceMs);
  const { work } = stop;
  const threads = options.threads ?? defaultThreadCount();
  const troubles = new Troubles(work);
  await using resources = new AsyncDisposableStack();
  const [spool, writer] = await openAll(resources, [
    Spool.open(work, { directory: options.spoolDirectory, buffers: threads + 2 }),
    ArchiveWriter.open(work, { repository: options.repository, threads, troubles }),
  ]);
  const receiver = new Receiver({ options, spool, writer, stop, troubles });
  const meter = new StatusMeter(work);
  const status = (): ReceiveStatus => meter.measure(receiver.positions);
  const partialIntervalMs = options.partialIntervalMs ?? defaultPartialIntervalMs;
  using _partials = repeat(stop, partialIntervalMs, () => receiver.refreshPartial());
  using _reports = repeat(stop, statusIntervalMs, async () => options.onStatus?.(status()));
  try {
    await receiver.storeLeftovers();
    await receiver.run();
  } catch (error) {
    stop.fail(error);
  }
  await receiver.settle().catch((error: unknown) => stop.fail(error));
  const last = status();
  options.onStatus?.(last);
  stop.throwFailure();
  work.log.info({ segments: last.segmentsArchived, gaps: last.gaps }, 'receiving WAL has ended');
  return last;
}

/** Waits for both, which start their threads side by side; what was opened is closed also when the other one failed. */
async function openAll<A extends AsyncDisposable, B extends AsyncDisposable>(
  resources: AsyncDisposableStack,
  opening: readonly [Promise<A>, Promise<B>],
): Promise<[A, B]> {
  for (const one of await Promise.allSettled(opening)) if (one.status === 'fulfilled') resources.use(one.value);
  return Promise.all(opening);
}

/** Runs `task` again and again, with a pause in between, until it is disposed or receiving is to end. */
function repeat(stop: StopRequest, intervalMs: number, task: () => Promise<void>): Disposable {
  const ended = new AbortController();
  const signal = AbortSignal.any([stop.signal, ended.signal]);
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await stop.work.clock.sleep(intervalMs, signal);
      await task();
    }
  };
  loop().catch((error: unknown) => {
    if (!signal.aborted) stop.fail(error);
  });
  return { [Symbol.dispose]: () => ended.abort() };
}
