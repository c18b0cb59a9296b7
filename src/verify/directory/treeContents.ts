import { recordFileName } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import type { FileNode, TreeNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { walkTree } from '../../snapshot/walkTree.ts';
import type { SnapshotFiles } from '../data/readFiles.ts';

/** What a snapshot holds, by path below the directory of its source; raw bytes as latin1 text. */
export interface TreeContents {
  readonly nodes: ReadonlyMap<string, TreeNode>;
  /** All files, the record included. */
  readonly files: SnapshotFiles;
}

/** Reads all trees of a snapshot. Throws `repository-damaged`, `not-found`. */
export async function loadTreeContents(
  ctx: Context,
  repository: Repository,
  { tree, paths }: Pick<Snapshot, 'tree' | 'paths'>,
): Promise<TreeContents> {
  const load = treeLoader(repository);
  const root = await findDirectory(ctx, load, tree, paths[0] ?? '');
  const nodes = new Map<string, TreeNode>();
  const files = new Map<string, FileNode>();
  await walkTree(ctx, load, root, {
    visit: ({ path, node }) => {
      const key = path.toString('latin1');
      nodes.set(key, node);
      if (node.type === 'file') files.set(key, node);
    },
  });
  return { nodes, files };
}

/** What lies in a directory beside the record, by the path below it. */
export function nodesBelow({ nodes }: TreeContents, directory: string): Map<string, TreeNode> {
  const prefix = `${directory}/`;
  return new Map(
    [...nodes].flatMap(([path, node]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), node]] : [])),
  );
}

/** As a person reads a path. */
export function shownPath(path: string): string {
  return Buffer.from(path, 'latin1').toString();
}

/** Things in the directory of the source that should not be there. */
export function strangers({ nodes }: TreeContents, directory: string): string[] {
  return [...nodes.keys()]
    .filter((path) => !path.includes('/') && path !== directory && path !== recordFileName)
    .map((path) => `${shownPath(path)}: neither the record nor what was backed up`);
}
