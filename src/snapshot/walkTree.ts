import type { Context } from '../base/context.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import type { DirectoryNode, TreeNode } from './node.ts';
import { parseTree, type LoadTree } from './tree.ts';

/** Trees loaded ahead of a walk in order; each is held in memory. */
const readAheadTrees = 4;
/** Trees loaded at the same time when order does not matter. */
const unorderedConcurrency = 8;

const slash = Buffer.from('/');

/** One node met on a walk. */
export interface TreeEntry {
  /** Names from the root, joined with `/`, raw bytes, without a slash in front. */
  readonly path: Buffer;
  readonly node: TreeNode;
}

export interface TreeVisitor {
  /** Called for each node, a directory before its entries; `skip` leaves a directory's entries out. */
  visit(entry: TreeEntry): 'skip' | void | Promise<'skip' | void>;
  /** Called for each directory that was not skipped, after its entries. */
  leave?(entry: TreeEntry): void | Promise<void>;
  /** Called when the tree of a directory (undefined: the root) cannot be read; without it the error is thrown. */
  unreadable?(entry: TreeEntry | undefined, error: unknown): void | Promise<void>;
}

interface Frame {
  readonly entry: TreeEntry | undefined;
  readonly nodes: readonly TreeNode[];
  next: number;
}

/**
 * Walks a tree depth first, entries in name order, one visit at a time. Memory: the trees on the way from the root to
 * the current node plus `readAheadTrees`.
 */
export async function walkTree(
  ctx: Context,
  loadTree: LoadTree,
  rootTreeId: string,
  visitor: TreeVisitor,
): Promise<void> {
  const trees = new ReadAhead(ctx, loadTree);
  const stack: Frame[] = [];
  const enter = async (treeId: string, entry: TreeEntry | undefined): Promise<void> => {
    try {
      stack.push({ entry, nodes: await trees.take(treeId), next: 0 });
    } catch (error) {
      if (visitor.unreadable === undefined || ctx.signal.aborted) throw error;
      await visitor.unreadable(entry, error);
    }
  };
  await enter(rootTreeId, undefined);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    ctx.signal.throwIfAborted();
    const node = frame.nodes[frame.next++];
    if (node === undefined) {
      stack.pop();
      if (frame.entry !== undefined) await visitor.leave?.(frame.entry);
      continue;
    }
    const entry = { path: childPath(frame.entry?.path, node.name), node };
    if (node.type === 'dir') trees.begin(frame.nodes, frame.next - 1);
    const answer = await visitor.visit(entry);
    if (node.type !== 'dir') continue;
    if (answer === 'skip') trees.drop(node.subtree);
    else await enter(node.subtree, entry);
  }
}

export interface UniqueTreesOptions {
  /** Called for a tree that cannot be read; without it the error is thrown. */
  readonly unreadable?: (treeId: string, error: unknown) => void;
}

/**
 * Loads every distinct tree below the roots exactly once, several at a time, in no order: for marking what is used and
 * for checking. `visit` gets the parsed nodes. Memory: 64 bytes or so per distinct tree.
 */
export async function walkUniqueTrees(
  ctx: Context,
  loadTree: LoadTree,
  roots: readonly string[],
  options: UniqueTreesOptions & {
    readonly visit: (treeId: string, nodes: readonly TreeNode[]) => void | Promise<void>;
  },
): Promise<void> {
  const known = new Set(roots);
  let level = [...known];
  while (level.length > 0) {
    const below: string[] = [];
    await forEachConcurrently(level, unorderedConcurrency, async (treeId) => {
      ctx.signal.throwIfAborted();
      let nodes: TreeNode[];
      try {
        nodes = parseTree(await loadTree(ctx, treeId), treeId);
      } catch (error) {
        if (options.unreadable === undefined || ctx.signal.aborted) throw error;
        options.unreadable(treeId, error);
        return;
      }
      await options.visit(treeId, nodes);
      for (const node of nodes) {
        if (node.type !== 'dir' || known.has(node.subtree)) continue;
        known.add(node.subtree);
        below.push(node.subtree);
      }
    });
    level = below;
  }
}

function childPath(parent: Buffer | undefined, name: Buffer): Buffer {
  return parent === undefined ? name : Buffer.concat([parent, slash, name]);
}

/** Trees whose loading has begun before the walk needs them. */
class ReadAhead {
  readonly #ctx: Context;
  readonly #loadTree: LoadTree;
  readonly #loading = new Map<string, Promise<TreeNode[]>>();

  constructor(ctx: Context, loadTree: LoadTree) {
    this.#ctx = ctx;
    this.#loadTree = loadTree;
  }

  /** Begins loading the directories of `nodes` from position `from` on, as far as there is room. */
  begin(nodes: readonly TreeNode[], from: number): void {
    for (let at = from; at < nodes.length && this.#loading.size < readAheadTrees; at++) {
      const node = nodes[at];
      if (node?.type === 'dir') this.#begin(node);
    }
  }

  async take(treeId: string): Promise<TreeNode[]> {
    const loading = this.#loading.get(treeId) ?? this.#load(treeId);
    this.#loading.delete(treeId);
    return loading;
  }

  drop(treeId: string): void {
    this.#loading.delete(treeId);
  }

  #begin({ subtree }: DirectoryNode): void {
    if (this.#loading.has(subtree)) return;
    const loading = this.#load(subtree);
    loading.catch(() => undefined); // whoever takes it sees the error
    this.#loading.set(subtree, loading);
  }

  async #load(treeId: string): Promise<TreeNode[]> {
    return parseTree(await this.#loadTree(this.#ctx, treeId), treeId);
  }
}
