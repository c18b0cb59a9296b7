import { readlinkSync, type BigIntStats } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import { loadPosix } from '../base/posix.ts';
import { goModeFromUnix, nodeTypeOfUnixMode } from '../snapshot/fileMode.ts';
import type { ExtendedAttribute, FileNode, TreeNode } from '../snapshot/node.ts';
import { loadAccountNames } from './accountNames.ts';
import type { DirectoryAttributes } from './pendingDirectory.ts';
import { nodeFromStat } from './statNode.ts';

const privateMode = 0o100600;
/** Where Linux keeps the POSIX ACL of a file. */
const accessList = 'system.posix_acl_access';

interface Found {
  readonly path: Buffer;
  readonly name: Buffer;
  readonly stat: BigIntStats;
}

/** Makes nodes of what is found, with the extended attributes. Throws Node's system errors. */
export class NodeMaker {
  readonly #accounts = loadAccountNames();
  readonly #posix = loadPosix();

  directory(found: Found): DirectoryAttributes {
    return { ...nodeFromStat(found.name, found.stat, this.#accounts), ...this.#attributes(found.path) };
  }

  /** `isPrivate`: as if only the owner could read and write it. */
  file(found: Found, isPrivate: boolean): Omit<FileNode, 'content' | 'size'> {
    const common = nodeFromStat(found.name, found.stat, this.#accounts);
    const { extendedAttributes = [] } = this.#attributes(found.path);
    const kept = isPrivate ? extendedAttributes.filter(({ name }) => name !== accessList) : extendedAttributes;
    return {
      ...common,
      type: 'file',
      ...(isPrivate ? { mode: goModeFromUnix(privateMode) } : {}),
      ...(kept.length === 0 ? {} : { extendedAttributes: kept }),
    };
  }

  /** A symbolic link, fifo or device. */
  special({ path, name, stat }: Found): TreeNode {
    const common = nodeFromStat(name, stat, this.#accounts);
    const type = nodeTypeOfUnixMode(Number(stat.mode));
    if (type === 'symlink') return { ...common, type, linkTarget: readlinkSync(path, { encoding: 'buffer' }) };
    const attributes = this.#attributes(path);
    if (type === 'dev' || type === 'chardev') return { ...common, type, device: stat.rdev, ...attributes };
    return { ...common, type: 'fifo', ...attributes };
  }

  /** As restic: in the order of the system, of everything but symbolic links; none where there are none to be had. */
  #attributes(path: Buffer): { extendedAttributes?: readonly ExtendedAttribute[] } {
    if (this.#posix === undefined) return {};
    let names: Buffer[];
    try {
      names = this.#posix.listXattrs(path);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOTSUP') return {};
      throw error;
    }
    if (names.length === 0) return {};
    const posix = this.#posix;
    return { extendedAttributes: names.map((name) => ({ name: name.toString(), value: posix.getXattr(path, name) })) };
  }
}
