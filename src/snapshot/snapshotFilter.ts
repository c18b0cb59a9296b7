import type { SnapshotDocument } from './snapshotDocument.ts';

/** Which snapshots an operation is about; an empty or absent list does not restrict. */
export interface SnapshotFilter {
  /** Any of these hosts. */
  readonly hosts?: readonly string[];
  /** Any of these tag lists. */
  readonly tags?: readonly TagList[];
  /** All of these paths. */
  readonly paths?: readonly string[];
}

/** Tags that a snapshot must all have; the empty tag stands for "has no tags at all". */
export type TagList = readonly string[];

/** Reads restic's `--tag a,b`: one list of tags. */
export function parseTagList(text: string): TagList {
  return text.split(',').map((tag) => tag.trim());
}

/** True when the snapshot has all tags of the list, or has none and the list holds the empty tag. */
export function hasTags(snapshot: Pick<SnapshotDocument, 'tags'>, list: TagList): boolean {
  for (const tag of list) {
    if (tag === '' && snapshot.tags.length === 0) return true;
    if (!snapshot.tags.includes(tag)) return false;
  }
  return true;
}

/** True when the snapshot passes every restriction of the filter. */
export function matchesFilter(snapshot: SnapshotDocument, filter: SnapshotFilter): boolean {
  const { hosts = [], tags = [], paths = [] } = filter;
  return (
    (hosts.length === 0 || hosts.includes(snapshot.hostname)) &&
    (tags.length === 0 || tags.some((list) => hasTags(snapshot, list))) &&
    paths.every((path) => snapshot.paths.includes(path))
  );
}
