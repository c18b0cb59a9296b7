import { moduleUrl } from '../base/workerPool.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { reportWhile } from '../base/reportWhile.ts';
import type { Context } from '../base/context.ts';
import type { BlobProblem } from '../repository/blobConsumer.ts';
import { Download, type RepositoryIndex } from '../repository/download.ts';
import { planReads } from '../repository/readPlan.ts';
import type { Repository } from '../repository/repository.ts';
import { chunkLength, cutCompareRanges, stateExisted, type Content } from './content.ts';
import { counterComparedBytes, type CompareTask, type FileTask } from './worker/fileConsumer.ts';

export interface RestoredContent {
  /** Bytes that existing files held already. */
  readonly equalBytes: number;
  /** Bytes fetched and put into files. */
  readonly fetchedBytes: number;
  readonly problems: readonly BlobProblem[];
}

/**
 * Plaintext bytes of one job: small enough to keep all threads busy to the end, large enough to make taking it cheap.
 */
const jobBytes = 32 * 1024 * 1024;

/** Worker threads that put blobs into files. */
export type Restorer = Download;

/** Starts threads for a restore; done before planning, the plan costs no time. Good for one restore after the other. */
export function openRestorer(ctx: Context, repository: Repository, threads?: number): Restorer {
  const consumer = { module: moduleUrl('./worker/fileConsumer', import.meta).href, options: undefined };
  return new Download(ctx, repository, threads === undefined ? { consumer } : { consumer, threads });
}

export interface RestoreContentOptions {
  readonly index: RepositoryIndex;
  readonly durable: boolean;
  readonly progress?: Progress;
  readonly quick?: CompareTask['quick'];
}

/**
 * Puts the content of files in place: what existing files hold already stays, every other blob is read once and written
 * wherever it belongs. `durable`: a sync will follow, so writing to disk begins at once; nothing is durable yet. Files
 * whose blobs cannot be had are marked as damaged.
 */
export async function restoreContent(
  restorer: Restorer,
  content: Content,
  options: RestoreContentOptions,
): Promise<RestoredContent> {
  const { index, durable, progress = silentProgress } = options;
  await runTask(restorer, { kind: 'content', content, durable });
  await compareExisting(restorer, content, { progress, quick: options.quick });
  const plan = planReads(index.table('data'), {
    entries: content.entries,
    skip: content.equal,
    jobBytes,
    packId: (pack) => index.packId(pack),
  });
  const bytes = plan.order.reduce((sum, chunk) => sum + chunkLength(content, chunk), 0);
  const { rawBytes: before } = await restorer.progress();
  const fetched = async () => ({ bytes: (await restorer.progress()).rawBytes - before });
  progress.phase('restoring files', { bytes, items: content.paths.length });
  const problems = await reportWhile(progress, { work: restorer.readBlobs(plan), done: fetched });
  await runTask(restorer, { kind: 'close' });
  const totalBytes = content.sizes.reduce((sum, size) => sum + size, 0);
  return { equalBytes: totalBytes - bytes, fetchedBytes: (await fetched()).bytes, problems };
}

/** Compares existing files with what they shall hold; marks in the content, which is announced, what is right. */
export async function compareExisting(
  restorer: Restorer,
  content: Content,
  { progress, quick }: { progress: Progress; quick?: CompareTask['quick'] },
): Promise<void> {
  const ranges = cutCompareRanges(content);
  if (ranges.length === 0) return;
  const existing = content.sizes.filter((_, file) => (content.states[file]! & stateExisted) !== 0);
  progress.phase('comparing files', { bytes: existing.reduce((sum, size) => sum + size, 0), items: existing.length });
  const before = await restorer.counter(counterComparedBytes);
  const next = new Int32Array(new SharedArrayBuffer(4));
  await reportWhile(progress, {
    work: runTask(restorer, { kind: 'compare', ranges, next, ...(quick === undefined ? {} : { quick }) }),
    done: async () => ({ bytes: (await restorer.counter(counterComparedBytes)) - before }),
  });
}

/** Has all threads do a task together. */
export function runTask<R>(restorer: Restorer, task: FileTask): Promise<R[]> {
  return restorer.runInThreads<R>(task);
}
