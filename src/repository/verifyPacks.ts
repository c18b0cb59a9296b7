import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { reportWhile } from '../base/reportWhile.ts';
import type { BlobProblem } from './blobConsumer.ts';
import { plainLength } from './blobTable.ts';
import { Download } from './download.ts';
import type { RepositoryIndex } from './index/repositoryIndex.ts';
import type { Repository } from './repository.ts';
import type { VerifyPlan } from './worker/verifyJobs.ts';

export interface VerifyPacksOptions {
  /** Ids of the packs to verify; default all that the index knows. */
  readonly packIds?: readonly string[];
  readonly threads?: number;
  readonly progress?: Progress;
}

export interface VerifiedPacks {
  readonly packs: number;
  /** Plaintext bytes of the blobs that are good. */
  readonly bytes: number;
  readonly problems: readonly BlobProblem[];
}

/** A pack with more plaintext than this is shared out among the threads. */
const sliceBytes = 32 * 1024 * 1024;

/**
 * Reads whole packs and checks all there is to check: the name against the content, header against index and size, and
 * of every blob tag, compression and hash. Damage is a result, not an error. A pack id that no index knows is read as
 * well.
 */
export async function verifyPacks(
  ctx: Context,
  repository: Repository,
  options: VerifyPacksOptions = {},
): Promise<VerifiedPacks> {
  await using download = new Download(
    ctx,
    repository,
    options.threads === undefined ? {} : { threads: options.threads },
  );
  const index = await repository.index(ctx);
  const { plan, rawBytes } = planVerification(index, {
    packIds: options.packIds ?? index.packIds(),
    slices: repository.backend.localDirectory !== undefined,
  });
  const progress = options.progress ?? silentProgress;
  progress.phase('verifying packs', { bytes: rawBytes, items: plan.packIds.length });
  const problems = await reportWhile(progress, {
    work: download.verify(plan),
    done: async () => ({ bytes: (await download.progress()).rawBytes }),
  });
  ctx.signal.throwIfAborted();
  return { packs: plan.packIds.length, bytes: (await download.progress()).rawBytes, problems };
}

function planVerification(
  index: RepositoryIndex,
  { packIds, slices }: { packIds: readonly string[]; slices: boolean },
): { plan: VerifyPlan; rawBytes: number } {
  const packNumbers = Uint32Array.from(packIds, (id) => index.findPack(id) ?? index.packCount);
  const rawOf = new Float64Array(index.packCount + 1); // one more for the packs that no index lists
  const countOf = new Uint32Array(index.packCount + 1);
  for (const type of ['data', 'tree'] as const) {
    const table = index.table(type);
    for (let entry = 0; entry < table.size; entry++) {
      const location = table.location(entry);
      if (location === undefined) continue;
      rawOf[location.pack]! += plainLength(location);
      countOf[location.pack]! += 1;
    }
  }
  const largestFirst = Uint32Array.from(packIds, (_, pack) => pack);
  largestFirst.sort((a, b) => rawOf[packNumbers[b]!]! - rawOf[packNumbers[a]!]!);
  const jobs: number[] = [];
  let rawBytes = 0;
  for (const pack of largestFirst) {
    const raw = rawOf[packNumbers[pack]!]!;
    const count = slices ? Math.max(1, Math.ceil(raw / sliceBytes)) : 1;
    for (let slice = 0; slice < count; slice++) jobs.push(pack, slice, count);
    rawBytes += raw;
  }
  const plan: VerifyPlan = {
    tables: { data: index.table('data').shared, tree: index.table('tree').shared },
    packIds,
    packNumbers,
    blobCounts: packNumbers.map((number) => countOf[number]!),
    jobs: Uint32Array.from(jobs),
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
  return { plan, rawBytes };
}
