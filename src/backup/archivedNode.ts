import { archiveFiles, type ArchivedFiles } from '../archiver/archiveFiles.ts';
import type { Context } from '../base/context.ts';
import { assert } from '../base/errors.ts';
import { findNode } from '../snapshot/findPath.ts';
import type { DirectoryNode } from '../snapshot/node.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';

/** The node of a directory, and what was found while archiving. */
export interface ArchivedDirectory extends ArchivedFiles {
  readonly node: DirectoryNode;
}

/** Archives a directory, or only `names` in it, and gives the node by which another tree can hold it. */
export async function archiveDirectory(
  ctx: Context,
  options: Omit<Parameters<typeof archiveFiles>[1], 'paths'> & {
    readonly directory: string;
    readonly names?: readonly string[];
  },
): Promise<ArchivedDirectory> {
  const { repository, upload, directory, names } = options;
  const paths = names?.map((name) => `${directory}/${name}`) ?? [directory];
  const archived = await archiveFiles(ctx, { ...options, paths });
  await upload.commit(); // what is not in the index yet cannot be read
  const node = await findNode(ctx, treeLoader(repository), archived.treeId, directory);
  assert(node.type === 'dir', 'the path that was archived is a directory');
  return { ...archived, node };
}
