import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { findNode, type InnerPath } from '../snapshot/findPath.ts';
import type { TreeNode } from '../snapshot/node.ts';
import type { LoadTree } from '../snapshot/tree.ts';
import { walkTree, type TreeEntry } from '../snapshot/walkTree.ts';
import type { RestorePlan } from './restorePlan.ts';
import { RestorePlanner } from './restorePlanner.ts';

export interface PlanRestoreOptions {
  readonly treeId: string;
  /** What of the tree to restore: a directory's content, or one file. Default: all. */
  readonly subPath?: InnerPath;
  /** Directory to restore into; relative to the current one. It need not exist. */
  readonly destination: string | Buffer;
  /**
   * Decides what is restored: `restore`, `skip` (a directory with all that is in it), or `descend` (a directory that is
   * only made as the parent of something that is restored; one that exists stays as it is). Paths are relative to the
   * destination.
   */
  readonly filter?: (entry: TreeEntry) => 'restore' | 'skip' | 'descend';
  /** `keep` leaves a destination that exists its owner, mode and times; default `stored`: it gets those of `subPath`. */
  readonly destinationAttributes?: 'stored' | 'keep';
  /** `refuse` a destination that is not empty; `delta` keeps of files what is right; `overwrite` replaces files. */
  readonly existing: 'refuse' | 'delta' | 'overwrite';
  /**
   * Directories whose content goes elsewhere: an absolute path, to which a symbolic link is put in their place. Gets
   * the path relative to the destination, latin1 text.
   */
  readonly redirect?: (path: string) => string | undefined;
  /** Whether something that exists and is not in the snapshot is removed; default no. Path as for `redirect`. */
  readonly removeSurplus?: (path: string) => boolean;
}

/**
 * Works out what a restore will do, changing nothing. What the repository lacks is in `problems`, not thrown. Throws
 * `destination-not-empty`, `not-found` (the sub path), and what reading storage and destination throws.
 */
export async function planRestore(
  ctx: Context,
  repository: Repository,
  options: PlanRestoreOptions,
): Promise<RestorePlan> {
  const index = await repository.index(ctx);
  const loadTree: LoadTree = (at, id) => repository.loadBlob(at, 'tree', id);
  const planner = new RestorePlanner(index, options);
  const start =
    options.subPath === undefined ? undefined : await findStart(ctx, loadTree, options.treeId, options.subPath);
  planner.begin(start?.type === 'dir' ? start : undefined);
  if (start !== undefined && start.type !== 'dir') {
    planner.visit({ path: start.name, node: start });
    return planner.finish();
  }
  await walkTree(ctx, loadTree, start?.subtree ?? options.treeId, {
    visit: (entry) => planner.visit(entry),
    leave: () => planner.leave(),
    unreadable: (entry, error) => planner.unreadable(entry, error),
  });
  return planner.finish();
}

async function findStart(
  ctx: Context,
  loadTree: LoadTree,
  treeId: string,
  path: InnerPath,
): Promise<TreeNode | undefined> {
  const bytes = Buffer.from(path as Uint8Array);
  if (bytes.every((byte) => byte === 0x2f)) return undefined;
  return findNode(ctx, loadTree, treeId, path);
}
