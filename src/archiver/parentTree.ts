import type { BigIntStats } from 'node:fs';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { FileNode, TreeNode } from '../snapshot/node.ts';
import { parseTree } from '../snapshot/tree.ts';
import { sameIdentity } from './statNode.ts';

/** The snapshot that a new one may take unchanged files over from. */
export interface ParentReference {
  readonly treeId: string;
  /** When its backup began, nanoseconds since 1970. */
  readonly startedNs: bigint;
}

const nsPerSecond = 1_000_000_000n;

/** Looks at the parent snapshot beside the scan of the file system. */
export class ParentTree {
  readonly #repository: Repository;
  /** A file touched at or after this time may have changed after it was read. */
  readonly #trustedBeforeNs: bigint;

  constructor(repository: Repository, parent: ParentReference) {
    this.#repository = repository;
    this.#trustedBeforeNs = parent.startedNs - (parent.startedNs % nsPerSecond);
  }

  /** Entries of a directory of the parent; none when its tree cannot be read: then everything is read again. */
  async load(ctx: Context, treeId: string): Promise<readonly TreeNode[]> {
    try {
      return parseTree(await this.#repository.loadBlob(ctx, 'tree', treeId), treeId);
    } catch (error) {
      if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
      ctx.log.warn({ tree: treeId, error: error.message }, 'a tree of the parent snapshot cannot be read');
      return [];
    }
  }

  /**
   * True when a file is as the parent has it: same size, inode, modification and change time, none of them so young
   * that the parent may have read it too early; and all its blobs are still there.
   */
  async isUnchanged(ctx: Context, before: TreeNode | undefined, stat: BigIntStats): Promise<boolean> {
    if (before === undefined || !sameIdentity(before, stat)) return false;
    if (stat.mtimeNs >= this.#trustedBeforeNs || stat.ctimeNs >= this.#trustedBeforeNs) return false;
    return this.#hasBlobs(ctx, before as FileNode);
  }

  async #hasBlobs(ctx: Context, { content }: FileNode): Promise<boolean> {
    const index = await this.#repository.index(ctx);
    const ids = content.packed();
    for (let at = 0; at < ids.length; at += 32) if (!index.has('data', ids.subarray(at, at + 32))) return false;
    return true;
  }
}
