import type { Context } from '../base/context.ts';
import { compareNodes, type ExtendedAttribute, type TreeNode } from './node.ts';
import { parseTree, type LoadTree } from './tree.ts';

/** In what two nodes of one path differ. */
export type Aspect = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'time' | 'attributes';

/** A path that is not the same in both trees. */
export interface TreeDifference {
  /** Names from the root, joined with `/`, raw bytes, without a slash in front. */
  readonly path: Buffer;
  /** Undefined for what was added. */
  readonly before: TreeNode | undefined;
  /** Undefined for what was removed. */
  readonly after: TreeNode | undefined;
  /** Empty for what was added or removed. */
  readonly aspects: readonly Aspect[];
}

export interface DiffOptions {
  /** Ids of the trees; undefined stands for an empty one. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly onDifference: (difference: TreeDifference) => void;
  /** False leaves out what is in a directory. */
  readonly mayDescend?: (path: Buffer) => boolean;
}

const slash = Buffer.from('/');

/**
 * Compares two trees, each directory before its entries, in the order of names. Equal sub-trees are not read. Content
 * is compared by the ids of its blobs: a file that was cut into other chunks counts as changed. Inode, change and
 * access time do not matter.
 */
export async function diffTrees(ctx: Context, loadTree: LoadTree, options: DiffOptions): Promise<void> {
  const load = async (id: string | undefined): Promise<readonly TreeNode[]> =>
    id === undefined ? [] : parseTree(await loadTree(ctx, id), id);
  const compare = async (before: string | undefined, after: string | undefined, parent?: Buffer): Promise<void> => {
    if (before === after) return;
    ctx.signal.throwIfAborted();
    const [old, young] = await Promise.all([load(before), load(after)]);
    for (const pair of pairs(old, young)) {
      const { name } = (pair.before ?? pair.after)!;
      const path = parent === undefined ? name : Buffer.concat([parent, slash, name]);
      const aspects = pair.before === undefined || pair.after === undefined ? [] : aspectsOf(pair.before, pair.after);
      if (aspects.length > 0 || pair.before === undefined || pair.after === undefined) {
        options.onDifference({ path, ...pair, aspects });
      }
      const [oldTree, youngTree] = [subtreeOf(pair.before), subtreeOf(pair.after)];
      if (oldTree !== youngTree && options.mayDescend?.(path) !== false) await compare(oldTree, youngTree, path);
    }
  };
  await compare(options.before, options.after);
}

interface Pair {
  readonly before: TreeNode | undefined;
  readonly after: TreeNode | undefined;
}

/** Nodes of two ordered lists, those of one name together. */
function* pairs(before: readonly TreeNode[], after: readonly TreeNode[]): Generator<Pair> {
  let [at, to] = [0, 0];
  while (at < before.length || to < after.length) {
    const [old, young] = [before[at], after[to]];
    const order = old === undefined ? 1 : young === undefined ? -1 : compareNodes(old, young);
    if (order <= 0) at++;
    if (order >= 0) to++;
    yield { before: order <= 0 ? old : undefined, after: order >= 0 ? young : undefined };
  }
}

function subtreeOf(node: TreeNode | undefined): string | undefined {
  return node?.type === 'dir' ? node.subtree : undefined;
}

function aspectsOf(before: TreeNode, after: TreeNode): Aspect[] {
  const aspects: Aspect[] = [];
  if (before.type !== after.type) aspects.push('type');
  else if (before.type === 'file' && after.type === 'file') {
    const isEqual = before.size === after.size && Buffer.compare(before.content.packed(), after.content.packed()) === 0;
    if (!isEqual) aspects.push('content');
  } else if (before.type === 'symlink' && after.type === 'symlink') {
    if (!before.linkTarget.equals(after.linkTarget)) aspects.push('target');
  } else if ('device' in before && 'device' in after && before.device !== after.device) aspects.push('device');
  if (before.mode !== after.mode && before.type === after.type) aspects.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) aspects.push('owner');
  if (before.mtimeNs !== after.mtimeNs) aspects.push('time');
  if (!sameAttributes(before.extendedAttributes, after.extendedAttributes)) aspects.push('attributes');
  return aspects;
}

function sameAttributes(before: readonly ExtendedAttribute[] = [], after: readonly ExtendedAttribute[] = []): boolean {
  if (before.length !== after.length) return false;
  const values = new Map(before.map(({ name, value }) => [name, value]));
  return after.every(({ name, value }) => values.get(name)?.equals(value) === true);
}
