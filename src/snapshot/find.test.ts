import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { findBlobs, findByPattern, type BlobUse } from './find.ts';
import { MemoryTrees } from './fixture/memoryTrees.ts';
import { snapshotFixture } from './fixture/snapshotFixture.ts';
import { compilePathPattern } from './pathPattern.ts';

const ctx = createContext();
const a = 'a'.repeat(64);
const b = `ab${'0'.repeat(62)}`;
const c = 'c'.repeat(64);

test('patterns are or-ed, directories that cannot match are not loaded', async () => {
  const trees = new MemoryTrees();
  const snapshot = snapshotFixture({ tree: trees.add({ etc: { 'a.conf': [] }, srv: { app: { 'b.conf': [] } } }) });
  const found: string[] = [];
  const patterns = [compilePathPattern('/etc/*.conf'), compilePathPattern('/etc/x')];
  await findByPattern(ctx, trees.load, snapshot, { patterns, onMatch: ({ path }) => found.push(path.toString()) });
  expect(found).toEqual(['etc/a.conf']);
  expect(trees.loads).not.toContain(trees.add({ 'b.conf': [] }));
});

test('the modification time restricts', async () => {
  const trees = new MemoryTrees();
  const snapshot = snapshotFixture({ tree: trees.add({ f: [] }, 100n) });
  const count = async (bounds: { oldestNs?: bigint; newestNs?: bigint }): Promise<number> => {
    let matches = 0;
    const patterns = [compilePathPattern('f')];
    await findByPattern(ctx, trees.load, snapshot, { patterns, ...bounds, onMatch: () => void matches++ });
    return matches;
  };
  expect(await count({ oldestNs: 100n, newestNs: 100n })).toBe(1);
  expect(await count({ oldestNs: 101n })).toBe(0);
  expect(await count({ newestNs: 99n })).toBe(0);
});

async function uses(prefixes: readonly string[]): Promise<string[]> {
  const trees = new MemoryTrees();
  const snapshot = snapshotFixture({ tree: trees.add({ d: { f: [a, b, a], g: [c] }, h: [b] }) });
  const found: BlobUse[] = [];
  await findBlobs(ctx, trees.load, snapshot, { prefixes, onUse: (use) => found.push(use) });
  return found.map(({ type, id, entry }) => `${type} ${id.slice(0, 2)} ${entry?.path.toString() ?? '/'}`);
}

test('blobs are found by whole ids and by prefixes', async () => {
  expect(await uses([b])).toEqual(['data ab d/f', 'data ab h']);
  expect(await uses(['aaaaa', 'C'])).toEqual(expect.arrayContaining(['data aa d/f', 'data cc d/g']));
  expect(await uses([a.slice(0, 63)])).toEqual(['data aa d/f']);
});

test('trees are found, the root among them', async () => {
  const trees = new MemoryTrees();
  const inner = trees.add({ f: [] });
  const snapshot = snapshotFixture({ tree: trees.add({ d: { f: [] } }) });
  const found: BlobUse[] = [];
  const prefixes = [inner.slice(0, 12), snapshot.tree];
  await findBlobs(ctx, trees.load, snapshot, { prefixes, onUse: (use) => found.push(use) });
  expect(found.map(({ type, entry }) => [type, entry?.path.toString()])).toEqual([
    ['tree', undefined],
    ['tree', 'd'],
  ]);
});

test('something that is not hex is refused', async () => {
  await expect(uses(['xyz'])).rejects.toThrow('"xyz" is not the beginning of a blob id');
});
