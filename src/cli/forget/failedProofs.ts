import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { loadProofs } from '../../verify/proofStore.ts';

/**
 * Ids of those of the snapshots of which a proof failed, and no later one at the same level or above passed. What was
 * proved of a snapshot before a stock client changed its tags still holds. A proof that cannot be read is logged, and
 * tells nothing.
 */
export async function loadFailedProofs(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Pick<Snapshot, 'id' | 'original'>[],
): Promise<Set<string>> {
  const onUnreadable = (object: string, reason: string): void =>
    ctx.log.warn({ object, reason }, 'a proof cannot be read');
  const proofs = (await loadProofs(ctx, repository, { onUnreadable })).map(({ proof }) => proof);
  const bySnapshot = Map.groupBy(proofs, ({ snapshot }) => snapshot?.id);
  const failed = new Set<string>();
  for (const { id, original } of snapshots) {
    const later = bySnapshot.get(id) ?? [];
    const earlier = original === undefined ? [] : (bySnapshot.get(original) ?? []);
    let passed = 0;
    for (const { verdict, level } of [...later, ...earlier]) {
      if (verdict === 'passed') passed = Math.max(passed, level);
      if (verdict === 'failed' && level > passed) failed.add(id);
    }
  }
  return failed;
}
