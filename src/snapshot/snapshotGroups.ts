import { OperationError } from '../base/errors.ts';
import type { SnapshotDocument } from './snapshotDocument.ts';

const criteria = ['source', 'host', 'paths', 'tags'] as const;
export type GroupCriterion = (typeof criteria)[number];

/** How restic groups by default. */
export const defaultGroupBy: readonly GroupCriterion[] = ['host', 'paths'];

/** How retention groups by default: ours by source, wherever they were taken; those of other clients as restic. */
export const defaultForgetGroupBy: readonly GroupCriterion[] = ['source'];

const ownTag = 'understudy';

/** What the snapshots of a group have in common; members that were not asked for are absent. Lists are sorted. */
export interface GroupKey {
  readonly source?: string;
  readonly kind?: string;
  readonly hostname?: string;
  readonly paths?: readonly string[];
  readonly tags?: readonly string[];
}

export interface SnapshotGroup<S> {
  readonly key: GroupKey;
  /** In the order they were given. */
  readonly snapshots: readonly S[];
}

/** Which source a snapshot of ours is of; undefined for others, also for ours whose tags a stock client took away. */
export function sourceIdentity({ tags }: Pick<SnapshotDocument, 'tags'>): { source: string; kind: string } | undefined {
  const value = (name: string): string | undefined =>
    tags.find((tag) => tag.startsWith(`${name}:`))?.slice(name.length + 1);
  const [source, kind] = [value('source'), value('kind')];
  return tags.includes(ownTag) && source !== undefined && kind !== undefined ? { source, kind } : undefined;
}

/** Reads `source,host,paths,tags` in any order and selection; the empty text is one group of everything. Throws `usage`. */
export function parseGroupBy(text: string): readonly GroupCriterion[] {
  const words = text.split(',').filter((word) => word !== '');
  return words.map((word) => {
    const found = criteria.find((criterion) => criterion === word || criterion === `${word}s`);
    if (found === undefined) {
      throw new OperationError('usage', `cannot group snapshots by ${JSON.stringify(word)}`, {
        hint: 'source, host, paths, tags',
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
  const identity = by.includes('source') ? sourceIdentity(snapshot) : undefined;
  const foreign = by.includes('source') && identity === undefined;
  return {
    ...identity,
    ...(by.includes('host') || foreign ? { hostname: snapshot.hostname } : {}),
    ...(by.includes('paths') || foreign ? { paths: snapshot.paths.toSorted() } : {}),
    ...(by.includes('tags') ? { tags: snapshot.tags.toSorted() } : {}),
  };
}
