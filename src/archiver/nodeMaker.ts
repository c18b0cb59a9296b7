import { readlinkSync, type BigIntStats } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import { loadPosix } from '../base/posix.ts';
import { nodeTypeOfUnixMode } from '../snapshot/fileMode.ts';
import type { ExtendedAttribute, FileNode, TreeNode } from '../snapshot/node.ts';
import { loadAccountNames } from './accountNames.ts';
import type { DirectoryAttributes } from './pendingDirectory.ts';
import { nodeFromStat } from './statNode.ts';

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

  file(found: Found): Omit<FileNode, 'content' | 'size'> {
    return { ...nodeFromStat(found.name, found.stat, this.#accounts), type: 'file', ...this.#attributes(found.path) };
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
