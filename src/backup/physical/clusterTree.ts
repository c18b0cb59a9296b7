import { assert } from '../../base/errors.ts';
import { crc32c } from '../../postgres/crc32c.ts';
import type { BlobList } from '../../snapshot/blobList.ts';
import { compareNodes, type DirectoryNode, type FileNode, type TreeNode } from '../../snapshot/node.ts';
import { serializeTree } from '../../snapshot/tree.ts';
import type { NodeAttributes } from '../sourceSnapshot.ts';

/** One file of the data directory with what is stored of it. */
export interface ClusterFile {
  /** Relative to the data directory, `/` between parts, raw bytes as latin1 text. */
  readonly path: string;
  readonly attributes: NodeAttributes;
  readonly sizeBytes: number;
  readonly content: BlobList;
  /** CRC-32C of the whole content. */
  readonly crc: number;
  /** CRC-32C of each chunk. */
  readonly chunkCrcs: Uint32Array;
}

export interface ClusterDirectory {
  /** As in `ClusterFile`; empty for the data directory itself. */
  readonly path: string;
  readonly attributes: NodeAttributes;
}

type SaveTree = (tree: Buffer) => Promise<string>;

/**
 * Saves the trees of a data directory from the leaves up and returns the root's node. Every file's directory is among
 * the directories; empty ones stay as they are, since PostgreSQL wants them there.
 */
export async function saveClusterTree(
  directories: readonly ClusterDirectory[],
  files: readonly ClusterFile[],
  saveTree: SaveTree,
): Promise<DirectoryNode> {
  const children = new Map<string, TreeNode[]>(directories.map((directory) => [directory.path, []]));
  for (const file of files) childrenOf(children, file.path).push(fileNode(file));
  const deepestFirst = directories.toSorted((a, b) => depth(b.path) - depth(a.path));
  for (const directory of deepestFirst) {
    const nodes = children.get(directory.path)!.toSorted(compareNodes);
    const node: DirectoryNode = { ...directory.attributes, type: 'dir', subtree: await saveTree(serializeTree(nodes)) };
    if (directory.path === '') return node;
    childrenOf(children, directory.path).push(node);
  }
  assert(false, 'the data directory itself is among the directories');
}

function fileNode(file: ClusterFile): FileNode {
  return { ...file.attributes, type: 'file', size: BigInt(file.sizeBytes), content: file.content };
}

function childrenOf(children: Map<string, TreeNode[]>, path: string): TreeNode[] {
  const slash = path.lastIndexOf('/');
  const list = children.get(slash < 0 ? '' : path.slice(0, slash));
  assert(list !== undefined, 'every file is in a directory of the plan');
  return list;
}

function depth(path: string): number {
  return path === '' ? 0 : path.split('/').length;
}

/** Checksums of a small file, which is one chunk or none. */
export function checksumOf(bytes: Uint8Array): Pick<ClusterFile, 'crc' | 'chunkCrcs'> {
  const crc = crc32c(bytes);
  return { crc, chunkCrcs: bytes.length === 0 ? new Uint32Array(0) : Uint32Array.of(crc) };
}
