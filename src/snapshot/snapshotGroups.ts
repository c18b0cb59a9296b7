import { OperationError } from '../base/errors.ts';
import type { SnapshotDocument } from './snapshotDocument.ts';

const criteria = ['host', 'paths', 'tags'] as const;
export type GroupCriterion = (typeof criteria)[number];

/** How restic groups by default. */
export const defaultGroupBy: readonly GroupCriterion[] = ['host', 'paths'];

/** What the snapshots of a group have in common; members that were not asked for are absent. Lists are sorted. */
export interface GroupKey {
  readonly hostname?: string;
  readonly paths?: readonly string[];
  readonly tags?: readonly string[];
}

export interface SnapshotGroup<S> {
  readonly key: GroupKey;
  /** In the order they were given. */
  readonly snapshots: readonly S[];
}

/** Reads `host,paths,tags` in any order and selection; the empty text is one group of everything. Throws `usage`. */
export function parseGroupBy(text: string): readonly GroupCriterion[] {
  const words = text.split(',').filter((word) => word !== '');
  return words.map((word) => {
    const found = criteria.find((criterion) => criterion === word || criterion === `${word}s`);
    if (found === undefined) {
      throw new OperationError('usage', `cannot group snapshots by ${JSON.stringify(word)}`, {
        hint: 'host, paths, tags',
      });
    }
    return found;
  });
}

/** Partitions snapshots; groups come in the order of their first snapshot. */
export function groupSnapshots<S extends SnapshotDocument>(
  snapshots: readonly S[],
  by: readonly GroupCriterion[],
): SnapshotGroup<S>[] {
  const groups = new Map<string, { key: GroupKey; snapshots: S[] }>();
  for (const snapshot of snapshots) {
    const key = groupKey(snapshot, by);
    const text = JSON.stringify(key);
    const group = groups.get(text) ?? { key, snapshots: [] };
    groups.set(text, group);
    group.snapshots.push(snapshot);
  }
  return [...groups.values()];
}

/** The group that a snapshot belongs to; two belong together when the JSON of their keys is equal. */
export function groupKey(snapshot: SnapshotDocument, by: readonly GroupCriterion[]): GroupKey {
  return {
    ...(by.includes('host') ? { hostname: snapshot.hostname } : {}),
    ...(by.includes('paths') ? { paths: snapshot.paths.toSorted() } : {}),
    ...(by.includes('tags') ? { tags: snapshot.tags.toSorted() } : {}),
  };
}
