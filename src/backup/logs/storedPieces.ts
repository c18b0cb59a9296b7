import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { RepositoryIndex } from '../../repository/download.ts';
import type { Repository } from '../../repository/repository.ts';
import { idBytes } from '../../snapshot/blobList.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { parseTree } from '../../snapshot/tree.ts';
import { logsDirectoryName } from '../logsRecord.ts';
import { sourceOf } from '../sourceSnapshot.ts';

/** What the last good snapshots of a source hold: the next one holds it too, unless it is too old. */
export interface StoredPieces {
  /** The one that the next one follows. */
  readonly snapshot: Snapshot | undefined;
  /** By the name of the piece. */
  readonly nodes: ReadonlyMap<string, FileNode>;
}

/** Of the snapshots that none follows, so many; after `forget` there are more of them. */
const mostLast = 8;

/**
 * Takes the snapshots (newest first) that none follows: after the clock went back the newest one is not the last. Of a
 * damaged one, which must not stand in the way, it takes the one before. What the repository lacks is left out.
 */
export async function loadStoredPieces(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Snapshot[],
): Promise<StoredPieces> {
  const followed = new Set(snapshots.map(({ parent }) => parent));
  const waiting = snapshots.filter(({ id }) => !followed.has(id)).slice(0, mostLast);
  const nodes = new Map<string, FileNode>();
  let last: Snapshot | undefined;
  for (const snapshot of waiting) {
    try {
      for (const node of await loadPieces(ctx, repository, snapshot)) {
        const name = node.name.toString();
        // one that was written to after all was stored again
        if (node.size > (nodes.get(name)?.size ?? -1n)) nodes.set(name, node);
      }
      last ??= snapshot;
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'object-missing', 'not-found')) throw error;
      ctx.log.warn({ snapshot: snapshot.id, reason: error.message }, 'the last backup cannot be built upon');
      waiting.push(...snapshots.filter(({ id }) => id === snapshot.parent));
    }
  }
  return { snapshot: last, nodes };
}

async function loadPieces(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<FileNode[]> {
  const loadTree = treeLoader(repository);
  const id = await findDirectory(ctx, loadTree, snapshot.tree, `/${sourceOf(snapshot)}/${logsDirectoryName}`);
  const files = parseTree(await loadTree(ctx, id), id).filter((node) => node.type === 'file');
  const index = await repository.index(ctx);
  return files.filter((node) => {
    const isThere = hasContent(index, node);
    if (!isThere) ctx.log.warn({ piece: node.name.toString() }, 'the repository lacks a part of a stored log');
    return isThere;
  });
}

function hasContent(index: RepositoryIndex, { content }: FileNode): boolean {
  const ids = content.packed();
  for (let at = 0; at < ids.length; at += idBytes) {
    if (!index.has('data', ids.subarray(at, at + idBytes))) return false;
  }
  return true;
}
