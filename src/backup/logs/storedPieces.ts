import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { parseTree } from '../../snapshot/tree.ts';
import { logsDirectoryName } from '../logsRecord.ts';
import { sourceOf } from '../sourceSnapshot.ts';

/** What the last good snapshot of a source holds: the next one holds it too, unless it is too old. */
export interface StoredPieces {
  readonly snapshot: Snapshot | undefined;
  /** By the name of the piece. */
  readonly nodes: ReadonlyMap<string, FileNode>;
}

/** Takes the newest of the snapshots that can be read; a damaged one must not stand in the way of a good one. */
export async function loadStoredPieces(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Snapshot[],
): Promise<StoredPieces> {
  for (const snapshot of snapshots) {
    try {
      const loadTree = treeLoader(repository);
      const id = await findDirectory(ctx, loadTree, snapshot.tree, `/${sourceOf(snapshot)}/${logsDirectoryName}`);
      const files = parseTree(await loadTree(ctx, id), id).filter((node) => node.type === 'file');
      return { snapshot, nodes: new Map(files.map((node) => [node.name.toString(), node])) };
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'object-missing', 'not-found')) throw error;
      ctx.log.warn({ snapshot: snapshot.id, reason: error.message }, 'the last backup cannot be built upon');
    }
  }
  return { snapshot: undefined, nodes: new Map() };
}
