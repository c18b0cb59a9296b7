import type { GroupKey } from '../../snapshot/snapshotGroups.ts';

/** What the snapshots of a group have in common, in words. */
export function groupText({ source, kind, hostname, paths, tags }: GroupKey): string {
  const parts = [
    source === undefined ? '' : `source ${source} (${kind})`,
    hostname === undefined ? '' : `host ${hostname}`,
    paths === undefined ? '' : `paths ${paths.join(', ')}`,
    tags === undefined ? '' : `tags ${tags.join(', ') || 'none'}`,
  ].filter((text) => text !== '');
  return parts.length === 0 ? 'everything' : parts.join(', ');
}
