import type { ReferenceVisitor, References } from '../repository/references.ts';
import type { TreeNode } from './node.ts';
import { snapshotSource, treeLoader } from './repositorySource.ts';
import { loadSnapshots } from './snapshots.ts';
import { walkUniqueTrees } from './walkTree.ts';

/** Everything that the snapshots of a repository need, for check and prune. */
export const snapshotReferences: References = {
  load: (ctx, repository, onUnreadable) =>
    loadSnapshots(ctx, snapshotSource(repository), onUnreadable === undefined ? {} : { onUnreadable }),
  walk: async (ctx, repository, { roots, visitor }) => {
    const { unreadable } = visitor;
    const rootTrees = [...new Set(roots.map(({ tree }) => tree))];
    await walkUniqueTrees(ctx, treeLoader(repository), rootTrees, {
      visit: (treeId, nodes) => visitTree(visitor, treeId, nodes),
      ...(unreadable === undefined ? {} : { unreadable: reporting(visitor, unreadable) }),
    });
  },
};

function visitTree(visitor: ReferenceVisitor, treeId: string, nodes: readonly TreeNode[]): void {
  visitor.tree(treeId);
  for (const node of nodes) {
    if (node.type !== 'file') continue;
    const { content, size } = node;
    try {
      visitor.file({ treeId, name: node.name.toString(), content: content.packed(), size });
    } catch (error) {
      if (visitor.unreadable === undefined) throw error;
      visitor.unreadable(treeId, error);
    }
  }
}

function reporting(visitor: ReferenceVisitor, unreadable: (treeId: string, error: unknown) => void) {
  return (treeId: string, error: unknown): void => {
    visitor.tree(treeId);
    unreadable(treeId, error);
  };
}
