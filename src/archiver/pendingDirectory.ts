import { assert } from '../base/errors.ts';
import { compareNodes, type DirectoryNode, type TreeNode } from '../snapshot/node.ts';
import { serializeTree } from '../snapshot/tree.ts';

export type DirectoryAttributes = Omit<DirectoryNode, 'type' | 'subtree'>;

/**
 * A directory whose entries come in bit by bit: files when they are stored, sub-directories when they are complete. Its
 * tree is saved as soon as the last one is there, so that only directories with files under way are held in memory.
 */
export class PendingDirectory {
  readonly parent: PendingDirectory | undefined;
  /** Undefined for the root of the snapshot, which has no node. */
  readonly attributes: DirectoryAttributes | undefined;
  readonly before: TreeNode | undefined;
  readonly #nodes: TreeNode[] = [];
  #awaited = 1;

  constructor(parent: PendingDirectory | undefined, attributes?: DirectoryAttributes, before?: TreeNode) {
    this.parent = parent;
    this.attributes = attributes;
    this.before = before;
    parent?.await();
  }

  /** One more entry will come. */
  await(): void {
    this.#awaited++;
  }

  /** An entry that is complete now; one that was not awaited before. */
  add(node: TreeNode): void {
    this.#nodes.push(node);
  }

  /** One awaited entry has come, or will not come. True when that was the last one; the scan itself counts as one. */
  arrived(): boolean {
    this.#awaited--;
    assert(this.#awaited >= 0, 'no more entries come than were awaited');
    return this.#awaited === 0;
  }

  /** Plaintext of the tree blob. */
  serialize(): Buffer {
    return serializeTree(this.#nodes.toSorted(compareNodes));
  }
}
