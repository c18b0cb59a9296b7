import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { diffTrees, type DiffOptions, type TreeDifference } from './diff.ts';
import { MemoryTrees } from './fixture/memoryTrees.ts';
import { BlobList } from './blobList.ts';
import type { TreeNode } from './node.ts';
import { serializeTree, treeId } from './tree.ts';

const ctx = createContext();
const idOf = (digit: string) => digit.repeat(64);

async function diff(trees: MemoryTrees, options: Omit<DiffOptions, 'onDifference'>): Promise<TreeDifference[]> {
  const differences: TreeDifference[] = [];
  await diffTrees(ctx, trees.load, { ...options, onDifference: (each) => differences.push(each) });
  return differences;
}

const shown = ({ path, before, after, aspects }: TreeDifference) =>
  `${before === undefined ? '+' : after === undefined ? '-' : aspects.join()} ${path.toString()}`;

test('added, removed and changed, each directory before its entries; equal sub-trees are not read', async () => {
  const trees = new MemoryTrees();
  const same = { deep: { file: [idOf('1')] } };
  const before = trees.add({
    same,
    gone: { x: [idOf('2')] },
    file: [idOf('3')],
    turns: [idOf('4')],
    kept: [idOf('5')],
  });
  const after = trees.add({
    same,
    added: { y: { z: [idOf('2')] } },
    file: [idOf('6')],
    turns: { in: [] },
    kept: [idOf('5')],
  });
  const differences = await diff(trees, { before, after });
  expect(differences.map(shown)).toEqual([
    '+ added',
    '+ added/y',
    '+ added/y/z',
    'content file',
    '- gone',
    '- gone/x',
    'type turns',
    '+ turns/in',
  ]);
  expect(trees.loads).toHaveLength(2 + 2 + 1 + 1);
  expect(await diff(trees, { before: after, after })).toEqual([]);
  const shallow = await diff(trees, { before, after: undefined, mayDescend: (path) => path.toString() === 'gone' });
  expect(shallow.map(shown)).toEqual(['- file', '- gone', '- gone/x', '- kept', '- same', '- turns']);
});

test.each([
  ['mode', { mode: 0o600 }],
  ['owner', { gid: 5 }],
  ['time', { mtimeNs: 7n }],
  ['attributes', { extendedAttributes: [{ name: 'user.a', value: Buffer.from('b') }] }],
  ['content', { size: 9n }],
  ['content', { content: BlobList.fromHex([idOf('a')]) }],
  ['', { inode: 99n, ctimeNs: 5n, atimeNs: 5n, links: 2n }],
])('a file with other %s', async (aspect, change) => {
  const trees = new MemoryTrees();
  const file = {
    name: Buffer.from([0xff]),
    type: 'file',
    mode: 0o644,
    mtimeNs: 0n,
    atimeNs: 0n,
    ctimeNs: 0n,
    uid: 0,
    gid: 0,
    size: 1n,
    content: BlobList.empty,
  } as const;
  const add = (node: TreeNode): string => {
    const tree = serializeTree([node]);
    trees.blobs.set(treeId(tree), tree);
    return treeId(tree);
  };
  const differences = await diff(trees, { before: add(file), after: add({ ...file, ...change }) });
  expect(differences.flatMap(({ aspects }) => aspects).join()).toBe(aspect);
  for (const { path } of differences) expect(path).toEqual(Buffer.from([0xff]));
});

test('links to elsewhere and other devices', async () => {
  const trees = new MemoryTrees();
  const common = { mode: 0, mtimeNs: 0n, atimeNs: 0n, ctimeNs: 0n, uid: 0, gid: 0 };
  const add = (target: string, device: bigint): string => {
    const tree = serializeTree([
      { ...common, name: Buffer.from('dev'), type: 'chardev', device },
      { ...common, name: Buffer.from('link'), type: 'symlink', linkTarget: Buffer.from(target) },
    ]);
    trees.blobs.set(treeId(tree), tree);
    return treeId(tree);
  };
  const differences = await diff(trees, { before: add('a', 1n), after: add('b', 2n) });
  expect(differences.map(shown)).toEqual(['device dev', 'target link']);
});
