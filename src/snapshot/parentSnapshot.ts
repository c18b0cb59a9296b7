import type { SnapshotDocument } from './snapshotDocument.ts';
import { defaultGroupBy, groupKey, type GroupCriterion } from './snapshotGroups.ts';
import { newestFirst, type Snapshot } from './snapshots.ts';

/**
 * The snapshot whose unchanged files a new backup may take over: the newest one of the same group (default: same host
 * and the same set of paths) that is not younger than the new one.
 */
export function selectParent(
  snapshots: readonly Snapshot[],
  next: SnapshotDocument,
  groupBy: readonly GroupCriterion[] = defaultGroupBy,
): Snapshot | undefined {
  const wanted = JSON.stringify(groupKey(next, groupBy));
  return snapshots
    .filter((snapshot) => snapshot.time.ns <= next.time.ns && JSON.stringify(groupKey(snapshot, groupBy)) === wanted)
    .toSorted(newestFirst)[0];
}
