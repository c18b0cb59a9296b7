import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { loadProofs } from '../../verify/proofStore.ts';

/**
 * Ids of the snapshots of which a proof failed, and no later one at the same level or above passed. A proof that cannot
 * be read is logged, and tells nothing.
 */
export async function loadFailedProofs(ctx: Context, repository: Repository): Promise<Set<string>> {
  const onUnreadable = (object: string, reason: string): void =>
    ctx.log.warn({ object, reason }, 'a proof cannot be read');
  const passedLevels = new Map<string, number>();
  const failed = new Set<string>();
  for (const { proof } of await loadProofs(ctx, repository, { onUnreadable })) {
    const id = proof.snapshot?.id;
    if (id === undefined) continue;
    const passed = passedLevels.get(id) ?? 0;
    if (proof.verdict === 'passed') passedLevels.set(id, Math.max(passed, proof.level));
    if (proof.verdict === 'failed' && proof.level > passed) failed.add(id);
  }
  return failed;
}
