import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { findDirectory, findNode } from './findPath.ts';
import { MemoryTrees } from './fixture/memoryTrees.ts';

const ctx = createContext();
const trees = new MemoryTrees();
const inner = { 'b c': [], 'ü': { deep: [] } };
const root = trees.add({ base: inner, file: [] });

test.each(['base/b c', '/base/b c', './base//b c/'])('finds %j', async (path) => {
  expect((await findNode(ctx, trees.load, root, path)).name.toString()).toBe('b c');
  expect((await findNode(ctx, trees.load, root, Buffer.from(path))).type).toBe('file');
});

test('finds directories, the root among them', async () => {
  expect(await findDirectory(ctx, trees.load, root, '/')).toBe(root);
  expect(await findDirectory(ctx, trees.load, root, '')).toBe(root);
  expect(await findDirectory(ctx, trees.load, root, '/base')).toBe(trees.add(inner));
  expect(await findDirectory(ctx, trees.load, root, 'base/ü')).toBe(trees.add({ deep: [] }));
});

test.each([
  ['/base/nothing/x', '/base/nothing is not in the snapshot'],
  ['/file/x', '/file is a file, not a directory'],
  ['/', 'the root of a snapshot is a tree'],
  ['/base/../file', 'is a dot directory'],
])('%s: %s', async (path, message) => {
  await expect(findNode(ctx, trees.load, root, path)).rejects.toThrow(message);
});

test('a file is no directory', async () => {
  await expect(findDirectory(ctx, trees.load, root, '/file')).rejects.toThrow('/file is a file, not a directory');
});
