import type { Context } from '../../base/context.ts';
import { createContext } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Kernel, KernelHost } from '../../base/workerPool.ts';
import type { Backend } from '../../backend/backend.ts';
import type { BlobConsumer, BlobProblem, ConsumerModule, ConsumerReference, ReadPlan } from '../blobConsumer.ts';
import { masterKeyFromBytes } from '../crypto/masterKey.ts';
import { Sealer } from '../crypto/sealer.ts';
import { BlobOpener } from './blobOpener.ts';
import { BackendPackReader, LocalPackReader, type PackReader } from './packReader.ts';
import { readJobs } from './readJobs.ts';
import { verifyJobs, type VerifyPlan } from './verifyJobs.ts';

/** Progress counters of the read kernel; consumers count from `firstConsumerCounter` on. */
export const counterRawBytes = 0;
export const counterSealedBytes = 1;

export interface ReadKernelInit {
  /** 64 bytes; see `masterKeyToBytes`. */
  readonly masterKey: Uint8Array;
  /** A local repository's directory, or (in-process only) a backend. */
  readonly storage: { readonly directory: string } | { readonly backend: Backend; readonly ctx: Context };
  readonly consumer?: ConsumerReference;
}

export type ReadTask =
  | { readonly kind: 'read'; readonly plan: ReadPlan }
  | { readonly kind: 'verify'; readonly plan: VerifyPlan }
  | { readonly kind: 'consumer'; readonly task: unknown };

/** One loop over jobs with what it works with. A thread has one; waiting for remote storage, several take turns. */
export interface ReadLane {
  readonly reader: PackReader;
  readonly opener: BlobOpener;
  readonly consumer: BlobConsumer | undefined;
  readonly host: KernelHost;
}

/** Requests to remote storage under way at once. */
const remoteLanes = 4;
/** Beyond every job, with room for the loops that still count up. */
const noJobsLeft = 2 ** 30;

/** Entry of the data plane's other direction: read packs, authenticate, decrypt, decompress, verify, hand over. */
export async function createKernel(init: ReadKernelInit, host: KernelHost): Promise<Kernel> {
  const { storage, consumer } = init;
  const module = consumer && ((await import(consumer.module)) as ConsumerModule);
  const sealer = new Sealer(masterKeyFromBytes(Buffer.from(init.masterKey)));
  const lanes: ReadLane[] = [];
  for (let index = 0; index < ('directory' in storage ? 1 : remoteLanes); index++) {
    lanes.push({
      reader:
        'directory' in storage
          ? new LocalPackReader(storage.directory)
          : new BackendPackReader(createContext(storage.ctx), storage.backend),
      opener: new BlobOpener(sealer),
      consumer: await module?.createConsumer(consumer?.options as never, host),
      host,
    });
  }
  return {
    run: async (task: ReadTask): Promise<unknown> => {
      if (task.kind === 'consumer') return Promise.all(lanes.map((lane) => lane.consumer?.run(task.task)));
      const work = (lane: ReadLane) => (task.kind === 'read' ? readJobs(lane, task.plan) : verifyJobs(lane, task.plan));
      return runLanes(lanes, work, task.plan.next);
    },
  };
}

/** Runs all loops to their end. The first failure leaves no job for the others. */
async function runLanes(
  lanes: readonly ReadLane[],
  work: (lane: ReadLane) => Promise<BlobProblem[]>,
  next: Int32Array,
): Promise<BlobProblem[]> {
  const failures: unknown[] = [];
  const found = await Promise.all(
    lanes.map((lane) =>
      work(lane).catch((error: unknown) => {
        Atomics.store(next, 0, noJobsLeft);
        failures.push(error);
        return [];
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return found.flat();
}

/** Ends a loop when the pool is told to stop. */
export function stopWhenAborted(host: KernelHost): void {
  if (host.aborted()) throw new OperationError('interrupted', 'the operation was stopped');
}
