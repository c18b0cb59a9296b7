import type { BigIntStats } from 'node:fs';
import { goModeFromUnix, nodeTypeOfUnixMode } from '../snapshot/fileMode.ts';
import type { TreeNode } from '../snapshot/node.ts';
import type { AccountNames } from './accountNames.ts';

/**
 * What a node of any type takes from `lstat`, in restic's terms: access time = modification time, links except for
 * directories.
 */
export function nodeFromStat(name: Buffer, stat: BigIntStats, accounts: AccountNames): Omit<TreeNode, 'type'> {
  const mode = Number(stat.mode);
  const type = nodeTypeOfUnixMode(mode);
  const user = accounts.user(Number(stat.uid));
  const group = accounts.group(Number(stat.gid));
  return {
    name,
    mode: goModeFromUnix(mode),
    mtimeNs: stat.mtimeNs,
    atimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    inode: stat.ino,
    deviceId: stat.dev,
    ...(type === 'dir' || type === 'fifo' ? {} : { links: stat.nlink }),
  };
}

/** Identity of a file's content from the outside: when these four are equal and old enough, the content is. */
export function sameIdentity(node: TreeNode, stat: BigIntStats): boolean {
  return (
    node.type === 'file' &&
    node.size === stat.size &&
    node.mtimeNs === stat.mtimeNs &&
    node.inode === stat.ino &&
    node.ctimeNs === stat.ctimeNs
  );
}
