import type { BlobList } from './blobList.ts';
import type { NodeType } from './fileMode.ts';

/**
 * One entry of a tree (a directory's content) as restic defines it. Optional members are left out when zero or empty,
 * as in the stored form.
 */
export type TreeNode = FileNode | DirectoryNode | SymlinkNode | SpecialNode;

interface NodeCommon {
  /** Raw bytes: a file name need not be UTF-8. Never empty, `.`, `..`, nor with a slash or NUL. */
  readonly name: Buffer;
  /** Go's os.FileMode, see fileMode.ts. */
  readonly mode: number;
  /** Nanoseconds since 1970 in UTC. */
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: bigint;
  readonly deviceId?: bigint;
  readonly size?: bigint;
  readonly links?: bigint;
  readonly extendedAttributes?: readonly ExtendedAttribute[];
  /** JSON object text of restic's operating-system specific attributes (Windows), carried unread. */
  readonly genericAttributes?: string;
  /** What the writer could not read of this file. */
  readonly error?: string;
}

export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Buffer;
}

export interface FileNode extends NodeCommon {
  readonly type: 'file';
  readonly size: bigint;
  readonly content: BlobList;
}

export interface DirectoryNode extends NodeCommon {
  readonly type: 'dir';
  /** Id of the tree blob with the directory's entries. */
  readonly subtree: string;
}

export interface SymlinkNode extends NodeCommon {
  readonly type: 'symlink';
  readonly linkTarget: Buffer;
}

export interface SpecialNode extends NodeCommon {
  readonly type: Exclude<NodeType, 'file' | 'dir' | 'symlink'>;
  /** `st_rdev` of a device. */
  readonly device?: bigint;
}

/** The order of a tree: by the raw bytes of the names. For `Array.prototype.sort`. */
export function compareNodes(a: TreeNode, b: TreeNode): number {
  return Buffer.compare(a.name, b.name);
}

/**
 * Says what is wrong with a file name, or undefined: such a name could reach outside the directory it is restored to.
 */
export function nameProblem(name: Uint8Array): string | undefined {
  if (name.length === 0) return 'is empty';
  if (name.includes(0x2f)) return 'holds a slash';
  if (name.includes(0)) return 'holds a NUL byte';
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) return 'is a dot directory';
  return undefined;
}
