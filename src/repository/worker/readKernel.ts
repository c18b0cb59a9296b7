import type { Context } from '../../base/context.ts';
import { createContext } from '../../base/context.ts';
import type { Kernel, KernelHost } from '../../base/workerPool.ts';
import type { Backend } from '../../backend/backend.ts';
import type { BlobProblem, ConsumerModule, ConsumerReference, ReadPlan } from '../blobConsumer.ts';
import { masterKeyFromBytes } from '../crypto/masterKey.ts';
import { Sealer } from '../crypto/sealer.ts';
import { BlobOpener } from './blobOpener.ts';
import { BackendPackReader, LocalPackReader } from './packReader.ts';
import { readJobs } from './readJobs.ts';
import type { ReadLane } from './readLane.ts';
import { verifyJobs, type VerifyPlan } from './verifyJobs.ts';

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
      if (task.kind === 'consumer') {
        return Promise.all(
          lanes.flatMap((lane) => (lane.consumer === undefined ? [] : [lane.consumer.run(task.task)])),
        );
      }
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
  const guarded = async (lane: ReadLane): Promise<BlobProblem[]> => {
    try {
      return await work(lane);
    } catch (error) {
      Atomics.store(next, 0, noJobsLeft);
      failures.push(error);
      return [];
    }
  };
  const found = await Promise.all(lanes.map(guarded));
  if (failures.length > 0) throw failures[0];
  return found.flat();
}
