import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { failedSnapshots } from '../../verify/failedProofs.ts';
import { loadProofs } from '../../verify/proofStore.ts';

/** Those of the snapshots that must not be counted on; a proof that cannot be read is logged, and tells nothing. */
export async function loadFailedProofs(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Pick<Snapshot, 'id' | 'original'>[],
): Promise<Set<string>> {
  const onUnreadable = (object: string, reason: string): void =>
    ctx.log.warn({ object, reason }, 'a proof cannot be read');
  const proofs = await loadProofs(ctx, repository, { onUnreadable });
  return failedSnapshots(
    proofs.map(({ proof }) => proof),
    snapshots,
  );
}
