import { removeStaleTemporaries } from '../backend/staleTemporaries.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import { OperationError, assert } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { PackSize } from './dataSubset.ts';
import { readIndexDocuments } from './index/indexDocuments.ts';
import type { RepositoryLock } from './lock.ts';
import { packObjectName } from './pack/packSink.ts';
import type { PrunePlan } from './prune.ts';
import { Repacker } from './prune/repackBlobs.ts';
import { rewriteIndex } from './prune/rewriteIndex.ts';
import type { Repository } from './repository.ts';

export interface ApplyPruneOptions {
  /** The exclusive lock under which the plan was made. */
  readonly lock: RepositoryLock;
  readonly progress?: Progress;
}

const deleteConcurrency = 8;

/**
 * Carries out a plan in the one order in which it can be cut short anywhere (restic design, "Pruning"): packs that no
 * index names go; what is needed of other packs is copied, packs before index; new index documents are written, then
 * the old ones go, then the packs that none names any more.
 *
 * What protects a writer at work is its lock, not the age of its packs: it keeps us out, and a writer that lost its
 * lock saves neither index nor snapshot. Against clients that take no lock the plan is refused when snapshots or index
 * documents have appeared since it was made. Throws `repository-locked`, `lock-lost`, `repository-damaged`,
 * `backend-denied`.
 */
export async function applyPrune(
  ctx: Context,
  repository: Repository,
  plan: PrunePlan,
  options: ApplyPruneOptions,
): Promise<void> {
  const { lock, progress = silentProgress } = options;
  assert(lock.exclusive, 'a prune holds an exclusive lock');
  repository.requireDeletable();
  await requireUnchanged(ctx, repository, plan);
  await lock.confirm();
  progress.phase('removing packs that no index names', { items: plan.unindexed.length });
  await deletePacks(ctx, repository, { packs: plan.unindexed, progress });
  const gone = [...plan.remove, ...plan.repack];
  try {
    await repack(ctx, repository, { plan, progress });
    progress.phase('writing the index anew');
    const drop = new Set([...gone.map(({ id }) => id), ...plan.missing]);
    const superseded = await rewriteIndex(ctx, repository, { indexIds: plan.indexIds, drop });
    await requireNoNewSnapshot(ctx, repository, plan);
    await lock.confirm();
    for (const id of superseded) await repository.removeDocument(ctx, 'index', id);
  } finally {
    repository.forgetIndex();
  }
  await lock.confirm();
  progress.phase('removing packs', { items: gone.length });
  await deletePacks(ctx, repository, { packs: gone, progress });
  const { localDirectory } = repository.backend;
  if (localDirectory !== undefined) await removeStaleTemporaries(ctx, localDirectory);
}

async function repack(
  ctx: Context,
  repository: Repository,
  { plan, progress }: { readonly plan: PrunePlan; readonly progress: Progress },
): Promise<void> {
  if (plan.repack.length === 0) return;
  const { used } = plan.collected;
  const blobs = plan.repack.reduce((sum, { usedBlobs }) => sum + usedBlobs, 0);
  const { packSizeBytes } = plan.repackOptions;
  progress.phase('copying what is needed', { bytes: plan.stats.copiedBytes, items: blobs });
  const repacker = new Repacker(ctx, repository, {
    blobs,
    progress,
    ...(packSizeBytes === undefined ? {} : { packSizeBytes }),
  });
  const waiting = new Set(plan.repack.map(({ id }) => id));
  for await (const { packs } of readIndexDocuments(ctx, repository, plan.indexIds)) {
    for (const { id, blobs: all } of packs) {
      if (waiting.delete(id)) await repacker.copy({ id, blobs: all.filter((blob) => used.stays(id, blob)) });
    }
  }
  await repacker.finish();
}

async function deletePacks(
  ctx: Context,
  repository: Repository,
  { packs, progress }: { readonly packs: readonly PackSize[]; readonly progress: Progress },
): Promise<void> {
  await forEachConcurrently(packs, deleteConcurrency, async ({ id, sizeBytes }) => {
    ctx.signal.throwIfAborted();
    await repository.backend.delete(ctx, packObjectName(id));
    progress.advance({ bytes: sizeBytes, items: 1 });
  });
}

async function requireUnchanged(ctx: Context, repository: Repository, plan: PrunePlan): Promise<void> {
  const ids = await repository.listIds(ctx, 'index');
  const known = new Set(plan.indexIds);
  if (ids.length !== known.size || !ids.every((id) => known.has(id))) throw changed('index');
  await requireNoNewSnapshot(ctx, repository, plan);
}

async function requireNoNewSnapshot(ctx: Context, repository: Repository, plan: PrunePlan): Promise<void> {
  const known = new Set(plan.snapshotIds);
  const ids = await repository.listIds(ctx, 'snapshots');
  if (!ids.every((id) => known.has(id))) throw changed('snapshots');
}

function changed(what: string): OperationError {
  return new OperationError('repository-locked', `the ${what} changed while the prune was planned`, {
    hint: 'a client that takes no locks (rustic?) is at work, or the plan is an old one: plan again when it is done',
  });
}
