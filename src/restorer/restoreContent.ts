import { moduleUrl } from '../base/workerPool.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { reportWhile } from '../base/reportWhile.ts';
import type { Context } from '../base/context.ts';
import type { BlobProblem } from '../repository/blobConsumer.ts';
import { Download, type RepositoryIndex } from '../repository/download.ts';
import { planReads } from '../repository/readPlan.ts';
import type { Repository } from '../repository/repository.ts';
import { chunkLength, cutCompareRanges, type Content } from './content.ts';
import { counterEqualBytes, type FileTask } from './worker/fileConsumer.ts';

export interface RestoredContent {
  /** Bytes that existing files held already. */
  readonly equalBytes: number;
  /** Bytes fetched and put into files. */
  readonly fetchedBytes: number;
  readonly problems: readonly BlobProblem[];
}

/** Plaintext bytes of one job: small enough to keep all threads busy to the end, large enough to make taking it cheap. */
const jobBytes = 32 * 1024 * 1024;

/** Threads that can restore the content of files; they start at once. */
export function openRestorer(ctx: Context, repository: Repository, threads?: number): Download {
  const consumer = { module: moduleUrl('./worker/fileConsumer', import.meta).href, options: undefined };
  return new Download(ctx, repository, threads === undefined ? { consumer } : { consumer, threads });
}

/**
 * Puts the content of files in place: what existing files hold already stays, every other blob is read once and written
 * wherever it belongs. Files whose blobs cannot be had are marked as damaged. Nothing is durable yet.
 */
export async function restoreContent(
  download: Download,
  content: Content,
  { index, progress = silentProgress }: { index: RepositoryIndex; progress?: Progress },
): Promise<RestoredContent> {
  await runTask(download, { kind: 'content', content });
  const equalBytes = await compareExisting(download, content, progress);
  const plan = planReads(index.table('data'), {
    entries: content.entries,
    skip: content.equal,
    jobBytes,
    packId: (pack) => index.packId(pack),
  });
  const bytes = plan.order.reduce((sum, chunk) => sum + chunkLength(content, chunk), 0);
  progress.phase('restoring files', { bytes, items: content.paths.length });
  const problems = await reportWhile(progress, {
    work: download.readBlobs(plan),
    done: async () => ({ bytes: (await download.progress()).rawBytes }),
  });
  await runTask(download, { kind: 'close' });
  return { equalBytes, fetchedBytes: (await download.progress()).rawBytes, problems };
}

async function compareExisting(download: Download, content: Content, progress: Progress): Promise<number> {
  const ranges = cutCompareRanges(content);
  if (ranges.length === 0) return 0;
  progress.phase('comparing files');
  const next = new Int32Array(new SharedArrayBuffer(4));
  await reportWhile(progress, {
    work: runTask(download, { kind: 'compare', ranges, next }),
    done: async () => ({ bytes: await download.counter(counterEqualBytes) }),
  });
  return download.counter(counterEqualBytes);
}

/** Has all threads do a task together. */
export function runTask<R>(download: Download, task: FileTask): Promise<R[]> {
  return download.runInThreads<R>(task);
}
