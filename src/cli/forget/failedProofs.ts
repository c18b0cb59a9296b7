import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { loadProofs } from '../../verify/proofStore.ts';

/** Ids of the snapshots whose last proof failed. A proof that cannot be read is logged, and tells nothing. */
export async function loadFailedProofs(ctx: Context, repository: Repository): Promise<Set<string>> {
  const onUnreadable = (object: string, reason: string): void =>
    ctx.log.warn({ object, reason }, 'a proof cannot be read');
  const judged = new Set<string>();
  const failed = new Set<string>();
  for (const { proof } of await loadProofs(ctx, repository, { onUnreadable })) {
    const id = proof.snapshot?.id;
    if (id === undefined || judged.has(id) || proof.verdict === 'inconclusive') continue;
    judged.add(id);
    if (proof.verdict === 'failed') failed.add(id);
  }
  return failed;
}
