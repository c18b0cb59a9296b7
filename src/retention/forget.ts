import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { applyPrune } from '../repository/applyPrune.ts';
import { withLock, type LockWait, type RepositoryLock } from '../repository/lock.ts';
import { planPrune, type PruneOptions, type PrunePlan } from '../repository/prune.ts';
import type { References } from '../repository/references.ts';
import type { Repository } from '../repository/repository.ts';
import { planForget, type ForgetOptions, type ForgetPlan } from '../snapshot/forgetPlan.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { matchesFilter, type SnapshotFilter } from '../snapshot/snapshotFilter.ts';
import { loadSnapshots } from '../snapshot/snapshots.ts';
import { planForgetNamed, type NamedSnapshots } from './forgetNamed.ts';

/** Which snapshots are forgotten: those that a policy does not keep, or those that are named. */
export type ForgetSelection = PolicySelection | NamedSnapshots;

export interface PolicySelection extends Omit<ForgetOptions, 'now'> {
  /** Snapshots that do not match are neither counted nor forgotten. */
  readonly filter?: SnapshotFilter;
}

export interface ForgetRun extends LockWait {
  readonly selection: ForgetSelection;
  /** Says what would be done and does nothing. */
  readonly dryRun?: boolean;
  /** Removes what nobody needs any more afterwards, under the same lock. */
  readonly prune?: Omit<PruneOptions, 'references' | 'progress'>;
  readonly progress?: Progress;
}

export interface ForgetResult {
  /** Kept and removed snapshots, by group, with reasons. */
  readonly forgotten: ForgetPlan;
  /** What the prune did, or would do after it. */
  readonly pruned: PrunePlan | undefined;
}

const deleteConcurrency = 8;

/**
 * Forgets snapshots, and prunes on wish. Takes an exclusive lock (a dry run a shared one). Throws `usage` when nothing
 * of a group would be left and that was not allowed, `repository-damaged` when a snapshot cannot be read: what cannot
 * be seen cannot be counted.
 */
export async function forget(ctx: Context, repository: Repository, run: ForgetRun): Promise<ForgetResult> {
  const { dryRun = false } = run;
  if (!dryRun) repository.requireDeletable();
  return withLock(ctx, repository, {
    ...run,
    exclusive: !dryRun,
    run: async (locked, lock) => {
      const forgotten = await plan(locked, repository, run.selection);
      if (dryRun) return { forgotten, pruned: await planPruneAfter(locked, repository, { run, forgotten }) };
      await remove(locked, repository, { forgotten, lock });
      return { forgotten, pruned: await prune(locked, repository, { run, lock }) };
    },
  });
}

async function plan(ctx: Context, repository: Repository, selection: ForgetSelection): Promise<ForgetPlan> {
  const source = snapshotSource(repository);
  const snapshots = await loadSnapshots(ctx, source);
  if ('named' in selection) return planForgetNamed(snapshots, selection);
  const { filter = {} } = selection;
  const matching = snapshots.filter((snapshot) => matchesFilter(snapshot, filter));
  return planForget(matching, { ...selection, now: ctx.clock.now() });
}

async function remove(
  ctx: Context,
  repository: Repository,
  { forgotten, lock }: { readonly forgotten: ForgetPlan; readonly lock: RepositoryLock },
): Promise<void> {
  if (forgotten.remove.length === 0) return;
  await lock.confirm();
  await forEachConcurrently(forgotten.remove, deleteConcurrency, async ({ id }) => {
    ctx.signal.throwIfAborted();
    await repository.removeDocument(ctx, 'snapshots', id);
  });
}

async function prune(
  ctx: Context,
  repository: Repository,
  { run, lock }: { readonly run: ForgetRun; readonly lock: RepositoryLock },
): Promise<PrunePlan | undefined> {
  if (run.prune === undefined) return undefined;
  const { progress = silentProgress } = run;
  const planned = await planPrune(ctx, repository, { ...run.prune, references: snapshotReferences, progress });
  await applyPrune(ctx, repository, planned, { lock, progress });
  return planned;
}

async function planPruneAfter(
  ctx: Context,
  repository: Repository,
  { run, forgotten }: { readonly run: ForgetRun; readonly forgotten: ForgetPlan },
): Promise<PrunePlan | undefined> {
  if (run.prune === undefined) return undefined;
  const removed = new Set(forgotten.remove.map(({ id }) => id));
  const references: References = {
    ...snapshotReferences,
    load: async (...load) => (await snapshotReferences.load(...load)).filter(({ id }) => !removed.has(id)),
  };
  return planPrune(ctx, repository, { ...run.prune, references, progress: run.progress ?? silentProgress });
}
