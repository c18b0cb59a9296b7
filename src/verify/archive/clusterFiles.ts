import type { BaseBackup } from '../../restore/baseBackup.ts';
import { dataDirectoryPath } from '../../restore/baseBackup.ts';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import { walkTree } from '../../snapshot/walkTree.ts';

/** The files of the data directory in a physical snapshot, by path relative to it; raw bytes as latin1 text. */
export type ClusterFiles = ReadonlyMap<string, FileNode>;

/** Reads the trees of the data directory. Throws `repository-damaged`, `not-found`. */
export async function loadClusterFiles(
  ctx: Context,
  repository: Repository,
  { snapshot, record }: BaseBackup,
): Promise<ClusterFiles> {
  const load = treeLoader(repository);
  const root = await findDirectory(ctx, load, snapshot.tree, dataDirectoryPath(record.source));
  const files = new Map<string, FileNode>();
  await walkTree(ctx, load, root, {
    visit: ({ path, node }) => {
      if (node.type === 'file') files.set(path.toString('latin1'), node);
    },
  });
  return files;
}

/**
 * Content of one of the files, each blob authenticated and hashed. Throws `backup-invalid` when there is no such file.
 */
export async function loadClusterFile(
  ctx: Context,
  repository: Repository,
  from: { readonly files: ClusterFiles; readonly path: string },
): Promise<Buffer> {
  const node = from.files.get(from.path);
  if (node === undefined) {
    throw new OperationError('backup-invalid', `the backup has no ${from.path}`, {
      hint: 'PostgreSQL cannot recover without it: take a new backup',
    });
  }
  const parts: Buffer[] = [];
  for (const id of node.content) parts.push(await repository.loadBlob(ctx, 'data', id));
  return Buffer.concat(parts);
}
