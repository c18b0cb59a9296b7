import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs } from '../testing/needs.ts';
import { restic, type Restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { createRabinChunker, type RabinChunker } from './chunker.ts';
import { isIrreducible } from './polynomial.ts';

const pieceBytes = 262_144;

interface TreeNode {
  readonly name: string;
  readonly content: readonly string[] | null;
  readonly subtree?: string;
}

/** Ids of the chunks of a file, read in pieces straight into the arena. */
function chunkIds(chunker: RabinChunker, path: string): string[] {
  const { buffer } = chunker;
  const ids: string[] = [];
  const file = openSync(path, 'r');
  const store = (start: number, end: number) =>
    ids.push(createHash('sha256').update(buffer.subarray(start, end)).digest('hex'));
  let chunkStart = 0;
  let end = 0;
  for (;;) {
    if (end + pieceBytes > buffer.length) {
      buffer.copyWithin(0, chunkStart, end);
      end -= chunkStart;
      chunkStart = 0;
    }
    const count = readSync(file, buffer, end, pieceBytes, null);
    if (count === 0) break;
    let from = end;
    end += count;
    for (let cut = chunker.nextCut(from, end); cut !== -1; cut = chunker.nextCut(from, end)) {
      store(chunkStart, cut);
      from = cut;
      chunkStart = cut;
    }
  }
  if (chunkStart < end) store(chunkStart, end);
  closeSync(file);
  chunker.reset();
  return ids;
}

/** Chunk ids of every file below a tree of stock restic's. */
async function storedContent(stock: Restic, tree: string): Promise<Map<string, readonly string[]>> {
  const { nodes } = await stock.json<{ nodes: readonly TreeNode[] }>('cat', 'blob', tree);
  const found = new Map<string, readonly string[]>();
  for (const node of nodes) {
    if (node.content !== null) found.set(node.name, node.content);
    if (node.subtree === undefined) continue;
    for (const [name, content] of await storedContent(stock, node.subtree)) found.set(name, content);
  }
  return found;
}

const files: Readonly<Record<string, () => Buffer>> = {
  'mixed': () =>
    Buffer.concat([randomBytes(17_000_003), Buffer.alloc(3_000_000), randomBytes(9_000_000), Buffer.alloc(777_777)]),
  'constant': () => Buffer.concat([randomBytes(100_000), Buffer.alloc(17_000_000, 0x41), randomBytes(600_000)]),
  'below-smallest': () => randomBytes(524_287),
  'smallest': () => randomBytes(524_288),
  'above-smallest': () => randomBytes(524_289),
  'tiny': () => Buffer.from('x'),
};

needs('restic')('chunk ids equal those of stock restic', async () => {
  await using directory = await tempDir();
  const data = directory.join('data');
  mkdirSync(data);
  for (const [name, make] of Object.entries(files)) writeFileSync(join(data, name), make());

  const stock = restic(directory.join('repository'), 'secret');
  await stock.run('init');
  await stock.run('backup', data);
  const { chunker_polynomial } = await stock.json<{ chunker_polynomial: string }>('cat', 'config');
  const [snapshot] = await stock.json<readonly { tree: string }[]>('snapshots');
  const stored = await storedContent(stock, snapshot?.tree ?? '');

  const polynomial = BigInt(`0x${chunker_polynomial}`);
  expect(isIrreducible(polynomial)).toBe(true);
  const chunker = createRabinChunker(polynomial);
  expect([...stored.keys()].toSorted()).toEqual(Object.keys(files).toSorted());
  expect(stored.get('mixed')?.length).toBeGreaterThan(15);
  for (const [name, content] of stored) {
    expect({ name, content: chunkIds(chunker, join(data, name)) }).toEqual({ name, content });
  }
});
