import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { RepositoryLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { planForget, type ForgetOptions, type ForgetPlan } from '../snapshot/forgetPlan.ts';
import { matchesFilter, type SnapshotFilter } from '../snapshot/snapshotFilter.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { planForgetNamed, type NamedSnapshots } from './forgetNamed.ts';
import type { HeldSource, Judgement } from './judgeSnapshots.ts';
import { planPruneWithout, pruneLocked, type PruneLimits, type PruneResult } from './prune.ts';
import { withJudgement, type RemovingRun } from './withJudgement.ts';

/** Which snapshots are forgotten: those that a policy does not keep, or those that are named. */
export type ForgetSelection = PolicySelection | NamedSnapshots;

export interface PolicySelection extends Omit<ForgetOptions, 'now' | 'judgement'> {
  /** Snapshots that do not match are neither counted nor forgotten. */
  readonly filter?: SnapshotFilter;
}

export interface ForgetRun extends RemovingRun {
  readonly selection: ForgetSelection;
  /** Removes what nobody needs any more afterwards, WAL included, under the same lock. */
  readonly prune?: PruneLimits;
  readonly progress?: Progress;
}

export interface ForgetResult {
  /** Kept and removed snapshots, by group, with reasons. */
  readonly forgotten: ForgetPlan;
  /** What the prune did, or would do after it. */
  readonly pruned: PruneResult | undefined;
  /** Sources of which nothing was removed because they changed so sharply, or have no good backup. */
  readonly held: readonly HeldSource[];
}

const deleteConcurrency = 8;

/**
 * Forgets snapshots, and prunes on wish. Takes an exclusive lock (a dry run a shared one). Of a source that is held
 * nothing is forgotten by a policy; a hold that is found is stored first. Throws `usage` when nothing of a group would
 * be left and that was not allowed, `repository-damaged` when a snapshot cannot be read: what cannot be seen cannot be
 * counted.
 */
export async function forget(ctx: Context, repository: Repository, run: ForgetRun): Promise<ForgetResult> {
  const { dryRun = false, progress = silentProgress } = run;
  return withJudgement(ctx, repository, {
    run,
    body: async (locked, { snapshots, judgement, lock }) => {
      const forgotten = plan(locked, { snapshots, selection: run.selection, judgement });
      if (!dryRun) await remove(locked, repository, { forgotten, lock });
      const { prune: limits } = run;
      const removed = new Set(forgotten.remove.map(({ id }) => id));
      const pruned = async (): Promise<PruneResult | undefined> => {
        if (limits === undefined) return undefined;
        if (dryRun) return planPruneWithout(locked, repository, { limits, judgement, progress, removed });
        return pruneLocked(locked, repository, { limits, judgement, progress, lock });
      };
      return { forgotten, pruned: await pruned(), held: judgement.heldSources };
    },
  });
}

function plan(
  ctx: Context,
  of: {
    readonly snapshots: readonly Snapshot[];
    readonly selection: ForgetSelection;
    readonly judgement: Judgement;
  },
): ForgetPlan {
  const { snapshots, selection, judgement } = of;
  if ('named' in selection) return planForgetNamed(snapshots, selection);
  const { filter = {} } = selection;
  const matching = snapshots.filter((snapshot) => matchesFilter(snapshot, filter));
  return planForget(matching, { ...selection, judgement, now: ctx.clock.now() });
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
