import type { Upload } from '../../repository/upload.ts';
import { goModeFromUnix } from '../../snapshot/fileMode.ts';
import { compareNodes, type FileNode, type TreeNode } from '../../snapshot/node.ts';
import { serializeTree } from '../../snapshot/tree.ts';
import { madeDirectory } from '../sourceSnapshot.ts';
import type { StoredFile } from './dumpDatabase.ts';

/** Makes the nodes for files with paths such as `shop/data/public.events.dump`, saving the trees below. */
export async function saveTree(upload: Upload, files: readonly StoredFile[], time: Date): Promise<TreeNode[]> {
  const nodes: TreeNode[] = [];
  const groups = Map.groupBy(files, ({ path }) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : ''));
  for (const [directory, members] of groups) {
    if (directory === '') {
      nodes.push(...members.map((file) => fileNode(file, time)));
      continue;
    }
    const below = members.map((file) => ({ ...file, path: file.path.slice(directory.length + 1) }));
    const children = (await saveTree(upload, below, time)).toSorted(compareNodes);
    const subtree = await upload.saveBlob('tree', serializeTree(children));
    nodes.push({ ...madeDirectory(directory, time), type: 'dir', subtree });
  }
  return nodes;
}

function fileNode({ path, content, sizeBytes }: StoredFile, time: Date): FileNode {
  return {
    ...madeDirectory(path, time),
    type: 'file',
    mode: goModeFromUnix(0o100600),
    size: BigInt(sizeBytes),
    content,
  };
}
