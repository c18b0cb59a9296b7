import type { Snapshot } from '../snapshot/snapshots.ts';
import { levelOfAll, type Proof } from './proof.ts';

/**
 * Ids of those of the snapshots of which a proof failed, and no later one at the same level or above passed, of all the
 * data. What was proved of a snapshot before a stock client changed its tags still holds.
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
    for (const proof of [...later, ...earlier]) {
      const { verdict, level } = proof;
      if (verdict === 'passed') passed = Math.max(passed, levelOfAll(proof));
      if (verdict === 'failed' && level > passed) failed.add(id);
    }
  }
  return failed;
}
