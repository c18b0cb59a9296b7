import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { nameProblem, type TreeNode } from './node.ts';
import { parseTree, type LoadTree } from './tree.ts';

/** The path of something inside a snapshot, from the root tree; slashes at either end do not matter. */
export type InnerPath = string | Uint8Array;

/**
 * The node at a path below a tree. Symbolic links are not followed. Throws `not-found` when it does not exist or the
 * path is empty (the root has no node).
 */
export async function findNode(
  ctx: Context,
  loadTree: LoadTree,
  rootTreeId: string,
  path: InnerPath,
): Promise<TreeNode> {
  const names = splitPath(path);
  let treeId = rootTreeId;
  let node: TreeNode | undefined;
  for (const [depth, name] of names.entries()) {
    node = findName(parseTree(await loadTree(ctx, treeId), treeId), name);
    const shown = `/${Buffer.concat(names.slice(0, depth + 1).flatMap((part) => [part, Buffer.from('/')])).toString()}`;
    if (node === undefined) throw new OperationError('not-found', `${shown.slice(0, -1)} is not in the snapshot`);
    if (depth === names.length - 1) break;
    if (node.type !== 'dir')
      throw new OperationError('not-found', `${shown.slice(0, -1)} is a ${node.type}, not a directory`);
    treeId = node.subtree;
  }
  if (node === undefined) throw new OperationError('not-found', 'the root of a snapshot is a tree, not a file');
  return node;
}

/** The tree id of the directory at a path; the empty path and `/` are the root. Throws `not-found`. */
export async function findDirectory(
  ctx: Context,
  loadTree: LoadTree,
  rootTreeId: string,
  path: InnerPath,
): Promise<string> {
  if (splitPath(path).length === 0) return rootTreeId;
  const node = await findNode(ctx, loadTree, rootTreeId, path);
  if (node.type === 'dir') return node.subtree;
  throw new OperationError('not-found', `${Buffer.from(path).toString()} is a ${node.type}, not a directory`);
}

/** The entry of that name in a parsed tree (which is ordered), or undefined. */
export function findName(nodes: readonly TreeNode[], name: Uint8Array): TreeNode | undefined {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const node = nodes[middle] as TreeNode;
    const order = Buffer.compare(node.name, name);
    if (order === 0) return node;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

function splitPath(path: InnerPath): Buffer[] {
  const bytes = Buffer.from(path as Uint8Array);
  const names: Buffer[] = [];
  for (let begin = 0; begin <= bytes.length;) {
    const slash = bytes.indexOf(0x2f, begin);
    const end = slash < 0 ? bytes.length : slash;
    const name = bytes.subarray(begin, end);
    begin = end + 1;
    if (name.length === 0 || name.equals(Buffer.from('.'))) continue;
    const problem = nameProblem(name);
    if (problem !== undefined) throw new OperationError('usage', `a part of the path ${bytes.toString()} ${problem}`);
    names.push(name);
  }
  return names;
}
