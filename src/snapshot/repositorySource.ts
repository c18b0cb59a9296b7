import type { Repository } from '../repository/repository.ts';
import type { SnapshotSource } from './snapshots.ts';
import type { LoadTree } from './tree.ts';

/** The snapshots of a repository, for the functions of this folder. */
export function snapshotSource(repository: Repository): SnapshotSource {
  return {
    listIds: (ctx) => repository.listIds(ctx, 'snapshots'),
    load: (ctx, id) => repository.loadDocument(ctx, 'snapshots', id),
  };
}

/** The trees of a repository, likewise. */
export function treeLoader(repository: Repository): LoadTree {
  return (ctx, id) => repository.loadBlob(ctx, 'tree', id);
}
