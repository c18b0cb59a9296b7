import { lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { createContext } from '../base/context.ts';
import { needs } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { findBlobs, findByPattern } from './find.ts';
import { unixModeFromGo } from './fileMode.ts';
import { findDirectory } from './findPath.ts';
import { createOddFiles } from './fixture/oddFiles.ts';
import { createStockRepository } from '../testing/stockRepository.ts';
import { compilePathPattern } from './pathPattern.ts';
import { parseSnapshotDocument, serializeSnapshotDocument } from './snapshotDocument.ts';
import type { Snapshot } from './snapshots.ts';
import { parseTree, serializeTree, treeId, type LoadTree } from './tree.ts';
import { walkTree, walkUniqueTrees } from './walkTree.ts';

const ctx = createContext();
const compat = needs('restic', 'setfattr');
const isRoot = process.getuid?.() === 0;

interface Backup extends AsyncDisposable {
  readonly snapshot: Snapshot;
  readonly source: string;
  readonly load: LoadTree;
  readonly stock: ReturnType<typeof createStockRepository>;
}

async function backUpOddFiles(): Promise<Backup> {
  const directory = await tempDir();
  const stock = createStockRepository(directory.join('repository'));
  mkdirSync(directory.join('source'));
  createOddFiles(directory.join('source'), isRoot);
  await stock.restic.run('backup', '--tag', 'odd,<&>', '--exclude', '*.none', directory.join('source'));
  const [[id, document] = ['', Buffer.alloc(0)]] = stock.snapshots();
  const cached = new Map<string, Buffer>();
  const load: LoadTree = async (_ctx, tree) => {
    // several at once: each would see locks of others vanish while reading them, which restic 0.14 retries for 45 s
    const json = cached.get(tree) ?? Buffer.from(await stock.restic.run('--no-lock', 'cat', 'blob', tree));
    cached.set(tree, json);
    return json;
  };
  return {
    snapshot: { id, ...parseSnapshotDocument(document, id) },
    source: directory.join('source'),
    load,
    stock,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

beforeAll(() => void vi.stubEnv('TZ', 'UTC'));
afterAll(() => void vi.unstubAllEnvs());

compat('every tree and snapshot of stock restic is reproduced byte for byte', async () => {
  await using backup = await backUpOddFiles();
  let trees = 0;
  await walkUniqueTrees(ctx, backup.load, [backup.snapshot.tree], {
    visit: async (id, nodes) => {
      trees++;
      const stored = await backup.load(ctx, id);
      const ours = serializeTree(nodes);
      expect(ours.toString()).toBe(stored.toString());
      expect([treeId(stored), treeId(ours)]).toEqual([id, id]);
    },
  });
  expect(trees).toBeGreaterThan(20);
  for (const [id, json] of backup.stock.snapshots()) {
    expect(serializeSnapshotDocument(parseSnapshotDocument(json, id)).toString()).toBe(json.toString());
  }
  expect(backup.snapshot.tags).toEqual(['odd', '<&>']);
});

compat('nodes say what the file system says', async () => {
  await using backup = await backUpOddFiles();
  const source = await findDirectory(ctx, backup.load, backup.snapshot.tree, backup.source);
  const nodes = parseTree(await backup.load(ctx, source), source);
  const onDisk = readdirSync(backup.source, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b));
  expect(nodes.map(({ name }) => name.toString('latin1'))).toEqual(onDisk.map((name) => name.toString('latin1')));
  for (const node of nodes) {
    const path = Buffer.concat([Buffer.from(`${backup.source}/`), node.name]);
    const stat = lstatSync(path, { bigint: true });
    expect(unixModeFromGo(node.mode, node.type), path.toString()).toBe(Number(stat.mode));
    expect(node.mtimeNs).toBe(stat.mtimeNs);
    expect(node.ctimeNs).toBe(stat.ctimeNs);
    expect(node.inode).toBe(stat.ino);
    expect(node.deviceId).toBe(stat.dev);
    if (node.type === 'file') expect([node.size, node.links]).toEqual([stat.size, stat.nlink]);
    if (node.type === 'symlink') expect(node.linkTarget).toEqual(readlinkSync(path, { encoding: 'buffer' }));
    if (node.type === 'chardev') expect(node.device).toBe(stat.rdev);
  }
});

/** Go writes one replacement character for each byte that is not UTF-8, JavaScript one for several. */
function comparable(path: string): string {
  return path.replaceAll(/\ufffd+/g, '\ufffd');
}

compat('find agrees with stock restic', async () => {
  await using backup = await backUpOddFiles();
  const { source, snapshot, load } = backup;
  const patterns = [
    'plain',
    'd-*',
    '*[a-d]*',
    '[^a-zA-Z0-9]*',
    '??',
    `${source}/*<*`,
    '/**/d-plain/*',
    '/tmp/**',
    `${source}/d-??`,
  ];
  for (const pattern of patterns) {
    const ours: string[] = [];
    await findByPattern(ctx, load, snapshot, {
      patterns: [compilePathPattern(pattern)],
      onMatch: ({ path }) => void ours.push(comparable(`/${path.toString()}`)),
    });
    const [found] = await backup.stock.restic.json<{ matches: { path: string }[] }[]>('find', pattern);
    const theirs = (found?.matches ?? []).map(({ path }) => comparable(path));
    expect(ours.toSorted(), pattern).toEqual(theirs.toSorted());
    expect(ours.length, pattern).toBeGreaterThan(0);
  }
});

compat('blobs and trees are found where stock restic finds them', async () => {
  await using backup = await backUpOddFiles();
  const data: string[] = [];
  const trees: string[] = [];
  await walkTree(ctx, backup.load, backup.snapshot.tree, {
    visit: ({ node }) => {
      if (node.type === 'file' && node.name.toString() === 'large') data.push(...node.content);
      if (node.type === 'dir') trees.push(node.subtree);
    },
  });
  expect(data.length).toBeGreaterThan(1);
  for (const [flag, prefix] of [
    ['--blob', data[1]?.slice(0, 8) ?? ''],
    ['--tree', trees.at(-1) ?? ''],
  ] as const) {
    const ours: string[] = [];
    await findBlobs(ctx, backup.load, backup.snapshot, {
      prefixes: [prefix],
      onUse: ({ entry }) => void ours.push(`/${entry?.path.toString() ?? ''}`),
    });
    const theirs = await backup.stock.restic.json<{ path: string }[]>('find', flag, prefix);
    expect(ours.toSorted()).toEqual([...new Set(theirs.map(({ path }) => path))].toSorted());
  }
});
