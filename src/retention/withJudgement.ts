import type { Context } from '../base/context.ts';
import { withLock, type LockWait, type RepositoryLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';
import { judgeSnapshots, saveHolds, type FailedProofs, type Judgement } from './judgeSnapshots.ts';

export interface RemovingRun extends LockWait {
  /** Says what would be done and does nothing. */
  readonly dryRun?: boolean;
  readonly failedProofs?: FailedProofs;
}

/** All snapshots, what was found about them, and the lock. */
export interface Judged {
  readonly snapshots: readonly Snapshot[];
  readonly judgement: Judgement;
  readonly lock: RepositoryLock;
}

/**
 * Runs what may remove something with all snapshots judged, under an exclusive lock; holds that are found are stored
 * before anything is removed. A dry run takes a shared lock and stores nothing. Throws `backend-denied` where nothing
 * can be deleted, `repository-locked`, `repository-damaged` when a snapshot cannot be read.
 */
export async function withJudgement<Result>(
  ctx: Context,
  repository: Repository,
  { run, body }: { readonly run: RemovingRun; readonly body: (ctx: Context, judged: Judged) => Promise<Result> },
): Promise<Result> {
  const { dryRun = false, failedProofs } = run;
  if (!dryRun) repository.requireDeletable();
  return withLock(ctx, repository, {
    ...run,
    exclusive: !dryRun,
    run: async (locked, lock) => {
      const snapshots = await loadSnapshots(locked, snapshotSource(repository));
      const judgement = await judgeSnapshots(locked, repository, { snapshots, failedProofs });
      if (!dryRun) await saveHolds(locked, repository, judgement);
      return body(locked, { snapshots, judgement, lock });
    },
  });
}
