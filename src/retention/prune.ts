import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { applyPrune } from '../repository/applyPrune.ts';
import type { RepositoryLock } from '../repository/lock.ts';
import { planPrune, type PrunePlan, type RepackOptions } from '../repository/prune.ts';
import type { References } from '../repository/references.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { loadSnapshots } from '../snapshot/snapshots.ts';
import { expireWal, planClusterExpiry, type ClusterWalExpiry, type WalPolicy } from './expireWal.ts';
import type { HeldSource, Judgement } from './judgeSnapshots.ts';
import { withJudgement, type RemovingRun } from './withJudgement.ts';

export interface PruneLimits {
  readonly repack: RepackOptions;
  readonly wal: WalPolicy;
}

/** WAL is kept as if snapshots whose proof failed were not there too. */
export interface PruneRun extends RemovingRun, PruneLimits {
  readonly progress?: Progress;
}

export interface PruneResult {
  readonly pruned: PrunePlan;
  /** One entry for each cluster that has WAL here. */
  readonly wal: readonly ClusterWalExpiry[];
}

/**
 * Frees the space of what no snapshot needs, and then of the WAL that no base backup needs, under one exclusive lock (a
 * dry run takes a shared one). Throws as `planPrune` and `applyPrune` do.
 */
export async function prune(
  ctx: Context,
  repository: Repository,
  run: PruneRun,
): Promise<PruneResult & { readonly held: readonly HeldSource[] }> {
  const { dryRun = false, progress = silentProgress } = run;
  return withJudgement(ctx, repository, {
    run,
    body: async (locked, { judgement, lock }) => {
      const parts = { limits: run, judgement, progress };
      const result = dryRun
        ? await planPruneWithout(locked, repository, { ...parts, removed: new Set() })
        : await pruneLocked(locked, repository, { ...parts, lock });
      return { ...result, held: judgement.heldSources };
    },
  });
}

interface PruneParts {
  readonly limits: PruneLimits;
  readonly judgement: Judgement;
  readonly progress: Progress;
}

/** What a prune would do once some snapshots are gone. */
export async function planPruneWithout(
  ctx: Context,
  repository: Repository,
  { limits, judgement, progress, removed }: PruneParts & { readonly removed: ReadonlySet<string> },
): Promise<PruneResult> {
  const references: References = {
    ...snapshotReferences,
    load: async (...load) => (await snapshotReferences.load(...load)).filter(({ id }) => !removed.has(id)),
  };
  const pruned = await planPrune(ctx, repository, { ...limits.repack, references, progress });
  return { pruned, wal: await planWal(ctx, repository, { limits, judgement, removed }) };
}

/** Under an exclusive lock: packs and index first, WAL last, which is planned from the snapshots that are left. */
export async function pruneLocked(
  ctx: Context,
  repository: Repository,
  { limits, judgement, progress, lock }: PruneParts & { readonly lock: RepositoryLock },
): Promise<PruneResult> {
  const pruned = await planPrune(ctx, repository, { ...limits.repack, references: snapshotReferences, progress });
  await applyPrune(ctx, repository, pruned, { lock, progress });
  const expiries = await planWal(ctx, repository, { limits, judgement, removed: new Set() });
  await expireWal(ctx, repository, { expiries, lock, progress });
  return { pruned, wal: expiries };
}

async function planWal(
  ctx: Context,
  repository: Repository,
  of: Pick<PruneParts, 'limits' | 'judgement'> & { readonly removed: ReadonlySet<string> },
): Promise<ClusterWalExpiry[]> {
  const { limits, judgement, removed } = of;
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository));
  return planClusterExpiry(ctx, repository, {
    policy: limits.wal,
    snapshots: snapshots.filter(({ id }) => !removed.has(id)),
    flawed: new Set(judgement.flaws.keys()),
    held: judgement.held,
  });
}
