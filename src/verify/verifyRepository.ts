import type { Context } from '../base/context.ts';
import type { Progress } from '../base/progress.ts';
import type { DataSubset } from '../repository/dataSubset.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { CheckList } from './proof/checkList.ts';
import { composeProof } from './proof/composeProof.ts';
import type { Proof } from './proof.ts';
import { checkAllData, checkStructure } from './repositoryChecks.ts';

export interface VerifyRepositoryOptions {
  /** 1: structure; 2: every object is read whole. */
  readonly level: 1 | 2;
  /** Which packs are read; default all. */
  readonly subset?: DataSubset | undefined;
  readonly threads?: number | undefined;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

/**
 * Verifies a repository as a whole, whatever it holds. Damage is a result. Throws what keeps it from being read at all,
 * such as `repository-locked`.
 */
export async function verifyRepository(
  ctx: Context,
  repository: Repository,
  options: VerifyRepositoryOptions,
): Promise<Proof> {
  const startedAt = ctx.clock.now();
  return withLock(ctx, repository, {
    ...options.lock,
    exclusive: false,
    run: async (locked) => {
      const checks = new CheckList(locked);
      const { level, subset } = options;
      if (level === 1) await checkStructure(locked, repository, { checks, options });
      else await checkAllData(locked, repository, { checks, options });
      return composeProof(locked, { level, subset, snapshot: null, startedAt, checks, wanted: [] });
    },
  });
}
