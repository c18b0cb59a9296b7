import { OperationError, assert } from '../../base/errors.ts';
import { loadPosix } from '../../base/posix.ts';
import type { KernelHost } from '../../base/workerPool.ts';
import type { BlobConsumer } from '../../repository/blobConsumer.ts';
import type { Content } from '../content.ts';
import type { QuickEqualModule } from '../quickEqual.ts';
import { FileComparer, equalById, equalByProof, type IsEqual } from './compareFiles.ts';
import { FileWriter } from './fileWriter.ts';
import { FileFinisher, type FinishTask } from './finishFiles.ts';

/** Progress counter, after those of the read kernel: bytes of existing files compared. */
export const counterComparedBytes = 2;

export interface CompareTask {
  readonly kind: 'compare';
  readonly ranges: Uint32Array;
  readonly next: Int32Array;
  /** A faster proof than hashing, and per file what it needs. */
  readonly quick?: { readonly module: string; readonly options: unknown; readonly proofs: readonly unknown[] };
}

export type FileTask =
  /** What the following tasks and blobs are about. */
  | { readonly kind: 'content'; readonly content: Content; readonly durable: boolean }
  | CompareTask
  /** Every blob has come: all that is joined is written, all files are closed. */
  | { readonly kind: 'close' }
  | ({ readonly kind: 'finish' } & FinishTask);

/** Entry of the restorer in a worker thread: puts blobs into files. */
export function createConsumer(_options: unknown, host: KernelHost): BlobConsumer {
  const posix = loadPosix();
  let content: Content | undefined;
  let writer: FileWriter | undefined;
  const current = (): FileWriter => {
    assert(writer !== undefined, 'the content is announced before its blobs come');
    return writer;
  };
  return {
    ready: () => current().ready(),
    room: (chunk, length) => current().room(chunk, length),
    accept: (chunks) => current().accept(chunks),
    refuse: (chunks) => current().refuse(chunks),
    endJob: () => current().flush(),
    run: async (task: FileTask) => {
      if (task.kind === 'content') {
        content = task.content;
        writer = new FileWriter(content, { durable: task.durable, posix });
        return;
      }
      assert(content !== undefined, 'the content is announced before the tasks');
      if (task.kind === 'close') return current().close();
      if (task.kind === 'compare') return compareAll(content, task, host);
      const finisher = new FileFinisher(content, posix, task);
      for (const file of take(task.next, content.paths.length, host)) finisher.finish(file);
      return finisher.refused;
    },
  };
}

async function compareAll(content: Content, task: CompareTask, host: KernelHost): Promise<void> {
  const comparer = new FileComparer(content, await equality(content, task));
  for (const range of take(task.next, task.ranges.length / 3, host)) {
    const [file, first, end] = task.ranges.subarray(range * 3, range * 3 + 3) as unknown as [number, number, number];
    host.counters[counterComparedBytes]! += comparer.compare({ file, first, end });
  }
}

async function equality(content: Content, { quick }: CompareTask): Promise<IsEqual> {
  if (quick === undefined) return equalById(content);
  const module = (await import(quick.module)) as QuickEqualModule;
  return equalByProof(content, module.createQuickEqual(quick.options as never), quick.proofs);
}

/** The numbers below `count` that no other thread has taken. */
function* take(next: Int32Array, count: number, host: KernelHost): Generator<number> {
  for (;;) {
    const taken = Atomics.add(next, 0, 1);
    if (taken >= count) return;
    if (host.aborted()) throw new OperationError('interrupted', 'the restore was stopped');
    yield taken;
  }
}
