import type { Snapshot } from '../snapshot/snapshots.ts';
import type { Proof } from './proof.ts';

/**
 * Ids of those of the snapshots of which a proof failed, and no later one at the same level or above passed. What was
 * proved of a snapshot before a stock client changed its tags still holds.
 */
export function failedSnapshots(
  proofs: readonly Proof[],
  snapshots: readonly Pick<Snapshot, 'id' | 'original'>[],
): Set<string> {
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
