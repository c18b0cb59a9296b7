import { kindOf } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import { isOperationError, OperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { findNode } from '../snapshot/findPath.ts';
import type { TreeNode } from '../snapshot/node.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';

/**
 * Something in a snapshot: its full path (without slash in front), and its node, which the root alone does not have.
 */
export interface FoundPath {
  readonly path: string;
  readonly node: TreeNode | undefined;
}

/**
 * Finds a path in a snapshot. One that does not begin with a slash is looked for in the directory of the snapshot's
 * source first, where it has one: `pgdata/PG_VERSION`. Throws `not-found`.
 */
export async function findSnapshotPath(
  ctx: Context,
  repository: Repository,
  { snapshot, path }: { readonly snapshot: Snapshot; readonly path: string },
): Promise<FoundPath> {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.length === 0) return { path: '', node: undefined };
  const starts =
    path.startsWith('/') || kindOf(snapshot) === undefined ? [''] : [(snapshot.paths[0] ?? '').slice(1), ''];
  let missing: unknown;
  for (const start of starts) {
    const full = [start, ...names].filter((name) => name !== '').join('/');
    try {
      return { path: full, node: await findNode(ctx, treeLoader(repository), snapshot.tree, full) };
    } catch (error) {
      if (!isOperationError(error, 'not-found')) throw error;
      missing ??= error;
    }
  }
  const message = isOperationError(missing) ? missing.message : `${path} is not in the snapshot`;
  throw new OperationError('not-found', message, {
    hint: `\`understudy ls -R ${snapshot.id.slice(0, 8)}\` lists what it holds`,
    cause: missing,
  });
}
