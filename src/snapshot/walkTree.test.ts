import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { MemoryTrees, type MemoryDirectory } from './fixture/memoryTrees.ts';
import { walkTree, walkUniqueTrees } from './walkTree.ts';

const ctx = createContext();
const directory: MemoryDirectory = { b: { 'c': {}, 'd': [], 'd.x': { e: [] } }, a: [], z: { y: [] } };

test('goes depth first in name order and leaves directories after their entries', async () => {
  const trees = new MemoryTrees();
  const steps: string[] = [];
  await walkTree(ctx, trees.load, trees.add(directory), {
    visit: ({ path }) => void steps.push(path.toString()),
    leave: ({ path }) => void steps.push(`${path.toString()}/`),
  });
  expect(steps).toEqual(['a', 'b', 'b/c', 'b/c/', 'b/d', 'b/d.x', 'b/d.x/e', 'b/d.x/', 'b/', 'z', 'z/y', 'z/']);
});

test('a skipped directory is neither entered nor left', async () => {
  const trees = new MemoryTrees();
  const steps: string[] = [];
  await walkTree(ctx, trees.load, trees.add(directory), {
    visit: ({ path }) => {
      steps.push(path.toString());
      return path.toString() === 'b' ? 'skip' : undefined;
    },
    leave: ({ path }) => void steps.push(`${path.toString()}/`),
  });
  expect(steps).toEqual(['a', 'b', 'z', 'z/y', 'z/']);
});

test('reads ahead, but not further than its limit', async () => {
  const trees = new MemoryTrees();
  const wide = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`d${index}`, { [`f${index}`]: [] }]));
  let visited = 0;
  await walkTree(ctx, trees.load, trees.add(wide), { visit: () => void visited++ });
  expect(visited).toBe(100);
  expect(trees.loads).toHaveLength(51);
  expect(trees.mostLoading).toBe(4);
});

test('equal directories are each visited', async () => {
  const trees = new MemoryTrees();
  const paths: string[] = [];
  await walkTree(ctx, trees.load, trees.add({ a: { x: [] }, b: { x: [] }, c: { x: [] } }), {
    visit: ({ path }) => void paths.push(path.toString()),
  });
  expect(paths).toEqual(['a', 'a/x', 'b', 'b/x', 'c', 'c/x']);
});

test('a missing tree is thrown, or reported and passed over', async () => {
  const trees = new MemoryTrees();
  const root = trees.add(directory);
  trees.blobs.delete(trees.add({ y: [] }));
  await expect(walkTree(ctx, trees.load, root, { visit: () => undefined })).rejects.toThrow('is missing');
  const unreadable: string[] = [];
  await walkTree(ctx, trees.load, root, {
    visit: () => undefined,
    unreadable: (entry) => void unreadable.push(entry?.path.toString() ?? ''),
  });
  expect(unreadable).toEqual(['z']);
});

test('stops when aborted, even where damage is tolerated', async () => {
  const trees = new MemoryTrees();
  const stop = new AbortController();
  let visited = 0;
  const walk = walkTree(createContext({ signal: stop.signal }), trees.load, trees.add(directory), {
    visit: () => {
      visited++;
      stop.abort(new Error('enough'));
    },
    unreadable: () => undefined,
  });
  await expect(walk).rejects.toThrow('enough');
  expect(visited).toBe(1);
});

const anyDirectory = fc.letrec<{ directory: MemoryDirectory }>((tie) => ({
  directory: fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof({ depthSize: 'small' }, fc.constant([]), tie('directory')),
    { maxKeys: 4 },
  ),
})).directory;

test('property: unique trees are exactly the stored ones, each loaded once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyDirectory, { minLength: 1, maxLength: 4 }), async (directories) => {
      const trees = new MemoryTrees();
      const roots = directories.map((each) => trees.add(each));
      const seen: string[] = [];
      await walkUniqueTrees(ctx, trees.load, roots, { visit: (id) => void seen.push(id) });
      expect(seen.toSorted()).toEqual([...trees.blobs.keys()].toSorted());
      expect(trees.loads).toHaveLength(seen.length);
      expect(trees.mostLoading).toBeLessThanOrEqual(8);
    }),
    { numRuns: 50 },
  );
});

test('unique trees: damage is thrown or reported', async () => {
  const trees = new MemoryTrees();
  const root = trees.add(directory);
  const lost = trees.add({ y: [] });
  trees.blobs.set(lost, Buffer.from('{}'));
  await expect(walkUniqueTrees(ctx, trees.load, [root], { visit: () => undefined })).rejects.toThrow('damaged');
  const unreadable: string[] = [];
  await walkUniqueTrees(ctx, trees.load, [root], {
    visit: () => undefined,
    unreadable: (id) => void unreadable.push(id),
  });
  expect(unreadable).toEqual([lost]);
});
