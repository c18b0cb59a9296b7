import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { loadPosix } from '../base/posix.ts';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { ctx, initRepository, newRepository, storeTree, type Described } from './fixture/builtSnapshot.ts';
import { applyRestore } from './applyRestore.ts';
import { verifyRestored } from './verifyRestored.ts';
import { planRestore, type PlanRestoreOptions } from './planRestore.ts';
import type { Repository } from '../repository/repository.ts';
import { BlobList } from '../snapshot/blobList.ts';

const zeros = Buffer.alloc(65_536);
const block = () => randomBytes(65_536);

type Options = Partial<PlanRestoreOptions> & { readonly last?: (path: string) => boolean; readonly threads?: number };

async function restore(repository: Repository, treeId: string, destination: string, options: Options = {}) {
  const { last, threads = 0, ...planning } = options;
  const plan = await planRestore(ctx, repository, { treeId, destination, existing: 'refuse', ...planning });
  const result = await applyRestore(ctx, repository, plan, {
    threads,
    fsync: false,
    ...(last === undefined ? {} : { last }),
  });
  return { plan, result };
}

function expectContent(directory: string, described: Described): void {
  expect(
    readdirSync(Buffer.from(directory), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .toSorted(),
  ).toEqual(Object.keys(described).toSorted());
  for (const [name, content] of Object.entries(described)) {
    const path = Buffer.from(`${Buffer.from(directory).toString('latin1')}/${name}`, 'latin1');
    if (Array.isArray(content)) expect(readFileSync(path).equals(Buffer.concat(content))).toBe(true);
    else if (!('node' in content)) expectContent(path.toString(), content);
  }
}

const shared = block();
const sample: Described = {
  'empty': [],
  'small': [Buffer.from('a small file')],
  'blocks': [block(), shared, zeros, block(), block(), block(), block(), zeros],
  'all zero': [zeros, zeros, Buffer.alloc(100)],
  'uneven': [randomBytes(5000), randomBytes(300_000), randomBytes(1), Buffer.alloc(700_000), shared],
  'directory': { 'inner': [shared], 'deeper': { 'odd \xff\xfe name\n': [Buffer.from('x')] }, 'nothing in it': {} },
};

test.each([
  ['in this thread', 0],
  ['in two threads', 2],
])('a tree is restored %s', async (_, threads) => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  const { result } = await restore(repository, tree, dir.join('out/below'), { threads });
  expectContent(dir.join('out/below'), sample);
  expect(result.files).toBe(7);
  expect(result.totalBytes).toBe(result.fetchedBytes);
  expect(statSync(dir.join('out/below/small')).mode & 0o7777).toBe(0o640);
  expect(statSync(dir.join('out/below/directory')).mode & 0o7777).toBe(0o750);
  expect(statSync(dir.join('out/below')).mode & 0o7777).toBe(0o700);
  for (const name of ['small', 'empty', 'all zero', 'directory', 'directory/inner']) {
    expect(statSync(dir.join('out/below', name), { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n);
  }
});

test('a tree is restored from storage that is no local directory', async () => {
  await using dir = await tempDir();
  const repository = await initRepository(openMemoryBackend());
  const tree = await storeTree(repository, sample);
  await restore(repository, tree, dir.join('out'), { threads: 2 });
  expectContent(dir.join('out'), sample);
});

test('zeros take no space where a file is created', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, {
    sparse: [zeros, ...Array.from({ length: 30 }, () => zeros), block(), zeros],
  });
  await restore(repository, tree, dir.join('out'));
  const stat = statSync(dir.join('out/sparse'));
  expect(stat.size).toBe(33 * zeros.length);
  expect(stat.blocks * 512).toBeLessThan(3 * zeros.length);
});

test('one directory or one file of a tree is restored, and a filter chooses', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  await restore(repository, tree, dir.join('a'), { subPath: '/directory' });
  expectContent(dir.join('a'), sample['directory'] as Described);
  expect(statSync(dir.join('a')).mode & 0o7777).toBe(0o750);
  await restore(repository, tree, dir.join('b'), { subPath: 'directory/inner' });
  expectContent(dir.join('b'), { inner: [shared] });
  await restore(repository, tree, dir.join('c'), {
    filter: ({ path, node }) =>
      path.toString() === 'directory/inner' ? 'restore' : node.type === 'dir' ? 'descend' : 'skip',
  });
  expectContent(dir.join('c'), { directory: { inner: [shared] } });
  await expect(restore(repository, tree, dir.join('d'), { subPath: 'nowhere' })).rejects.toMatchObject({
    code: 'not-found',
  });
  expect(existsSync(dir.join('d'))).toBe(false);
});

test('links, fifos and extended attributes are restored', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const inode = { links: 2n, inode: 77n, deviceId: 5n };
  const content = BlobList.empty;
  const attribute = { name: 'user.colour', value: Buffer.from([0, 1, 255]) };
  const tree = await storeTree(repository, {
    a: { node: { type: 'file', content, size: 0n, ...inode, extendedAttributes: [attribute] } },
    below: { b: { node: { type: 'file', content, size: 0n, ...inode } } },
    fifo: { node: { type: 'fifo', mode: 2 ** 25 + 0o666 } },
    link: { node: { type: 'symlink', mode: 2 ** 27 + 0o777, linkTarget: Buffer.from('no\xffwhere', 'latin1') } },
  });
  await restore(repository, tree, dir.join('out'));
  expect(lstatSync(dir.join('out/a')).ino).toBe(lstatSync(dir.join('out/below/b')).ino);
  expect(loadPosix()?.getXattr(Buffer.from(dir.join('out/below/b')), Buffer.from('user.colour'))).toEqual(
    attribute.value,
  );
  expect(lstatSync(dir.join('out/fifo')).isFIFO()).toBe(true);
  expect(lstatSync(dir.join('out/fifo')).mode & 0o7777).toBe(0o666);
  expect(readlinkSync(dir.join('out/link'), { encoding: 'buffer' })).toEqual(Buffer.from('no\xffwhere', 'latin1'));
  expect(lstatSync(dir.join('out/link'), { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n);
});

test('a destination that is not empty is refused before anything changes', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  mkdirSync(dir.join('out'));
  writeFileSync(dir.join('out/mine'), 'mine');
  await expect(restore(repository, tree, dir.join('out'))).rejects.toMatchObject({ code: 'destination-not-empty' });
  expect(readdirSync(dir.join('out'))).toEqual(['mine']);
  await expect(restore(repository, tree, dir.join('out/mine'))).rejects.toMatchObject({ code: 'destination-io' });
});

test('a delta restore writes only what differs, and truncates, extends and replaces', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  const out = dir.join('out');
  await restore(repository, tree, out);
  const again = await restore(repository, tree, out, { existing: 'delta' });
  expect(again.result).toMatchObject({ fetchedBytes: 0, equalBytes: again.result.totalBytes });

  const blocks = readFileSync(dir.join('out/blocks'));
  blocks[2 * 65_536 + 5] = 1; // where zeros belong
  blocks[3 * 65_536]! ^= 1;
  writeFileSync(dir.join('out/blocks'), Buffer.concat([blocks, Buffer.from('too much')]));
  writeFileSync(dir.join('out/uneven'), readFileSync(dir.join('out/uneven')).subarray(0, 400_000));
  chmodSync(dir.join('out/small'), 0o400);
  writeFileSync(dir.join('out/surplus'), 'stays');
  const { result } = await restore(repository, tree, out, { existing: 'delta' });
  expectContent(out, { ...sample, surplus: [Buffer.from('stays')] });
  expect(result.fetchedBytes).toBe(2 * 65_536 + 700_000 + 65_536);
  await restore(repository, tree, out, { existing: 'delta', removeSurplus: (path) => path === 'surplus' });
  expectContent(out, sample);
});

test('what is in the way of a restore is replaced, and nothing outside of the destination is touched', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  const out = dir.join('out');
  const outside = dir.join('outside');
  mkdirSync(outside);
  mkdirSync(out);
  writeFileSync(dir.join('outside/inner'), 'not yours');
  symlinkSync(outside, dir.join('out/directory'));
  symlinkSync(dir.join('outside/inner'), dir.join('out/small'));
  linkSync(dir.join('outside/inner'), dir.join('out/blocks'));
  mkdirSync(dir.join('out/empty/with something'), { recursive: true });
  writeFileSync(dir.join('out/uneven'), 'other content');
  await restore(repository, tree, out, { existing: 'delta' });
  expectContent(out, sample);
  expectContent(outside, { inner: [Buffer.from('not yours')] });
  await restore(repository, tree, out, { existing: 'overwrite' });
  expectContent(out, sample);
});

test('a directory is redirected, and a right link to it stays', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  const redirect = (path: string) => (path === 'directory' ? dir.join('elsewhere') : undefined);
  await restore(repository, tree, dir.join('out'), { redirect });
  expectContent(dir.join('elsewhere'), sample['directory'] as Described);
  expect(readlinkSync(dir.join('out/directory'))).toBe(dir.join('elsewhere'));
  await expect(restore(repository, tree, dir.join('other'), { redirect })).rejects.toMatchObject({
    code: 'destination-not-empty',
  });
  writeFileSync(dir.join('elsewhere/inner'), 'changed');
  writeFileSync(dir.join('elsewhere/surplus'), '');
  const named: string[] = [];
  await restore(repository, tree, dir.join('out'), {
    existing: 'delta',
    redirect,
    last: (path) => named.push(path) > 0 && path === 'directory/inner',
  });
  expect(named.toSorted()).toContain('directory/inner');
  expectContent(dir.join('elsewhere'), { ...(sample['directory'] as Described), surplus: [] });
  const removed: string[] = [];
  const removeSurplus = (path: string) => removed.push(path) > 0;
  await restore(repository, tree, dir.join('out'), { existing: 'delta', redirect, removeSurplus });
  expectContent(dir.join('elsewhere'), sample['directory'] as Described);
  expect(removed).toEqual(['directory/surplus']);
});

test('the last files are in place only at the end, and never beside damage', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, { control: [Buffer.from('new')], other: [block()] });
  const out = dir.join('out');
  mkdirSync(out);
  writeFileSync(dir.join('out/control'), 'old');
  const last = (path: string) => path === 'control';
  const plan = await planRestore(ctx, repository, { treeId: tree, destination: out, existing: 'delta' });
  const aborting = new AbortController();
  const progress = { phase: () => aborting.abort(new Error('stop')), advance: () => undefined, note: () => undefined };
  const aborted = applyRestore(createContext({ signal: aborting.signal }), repository, plan, {
    threads: 0,
    last,
    progress,
  });
  await expect(aborted).rejects.toThrow();
  expect(existsSync(dir.join('out/control'))).toBe(false);

  const { result } = await restore(repository, tree, out, { existing: 'delta', last });
  expect(readFileSync(dir.join('out/control'), 'utf8')).toBe('new');
  expect(readdirSync(out)).toEqual(['control', 'other']);
  expect(result.files).toBe(2);
});

rootOnly('ownership is restored, kept or given', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, {
    file: { node: { type: 'file', size: 0n, content: BlobList.empty, uid: 1234, gid: 5678 } },
  });
  for (const [owner, expected] of [
    ['stored', { uid: 1234, gid: 5678 }],
    ['keep', { uid: 0, gid: 0 }],
    [
      { uid: 7, gid: 8 },
      { uid: 7, gid: 8 },
    ],
  ] as const) {
    const destination = dir.join(JSON.stringify(owner));
    const plan = await planRestore(ctx, repository, { treeId: tree, destination, existing: 'refuse' });
    await applyRestore(ctx, repository, plan, { threads: 0, owner });
    expect(statSync(`${destination}/file`)).toMatchObject(expected);
  }
});

test('a directory that is only on the way stays as it is when it exists, and is made as stored when not', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, { there: { a: [block()], b: [] }, new: { a: [block()] }, other: {} });
  mkdirSync(dir.join('out/there'), { recursive: true });
  chmodSync(dir.join('out'), 0o711);
  chmodSync(dir.join('out/there'), 0o701);
  const filter: PlanRestoreOptions['filter'] = ({ path, node }) =>
    node.type === 'dir' ? 'descend' : path.toString().endsWith('/a') ? 'restore' : 'skip';
  const options = { existing: 'delta', destinationAttributes: 'keep', filter } as const;
  await restore(repository, tree, dir.join('out'), options);
  const modeOf = (path: string) => (statSync(dir.join(path)).mode & 0o777).toString(8);
  expect([modeOf('out'), modeOf('out/there'), modeOf('out/new')]).toEqual(['711', '701', '750']);
  expect(readdirSync(dir.join('out'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
    'new',
    'new/a',
    'there',
    'there/a',
  ]);
});

test('reading back finds each file that is not as stored', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, sample);
  const { plan } = await restore(repository, tree, dir.join('out'));
  const verify = () => verifyRestored(ctx, repository, plan, { threads: 0 });
  expect(await verify()).toEqual({ files: 7, bytes: plan.totalBytes, different: [] });
  const bytes = readFileSync(dir.join('out/blocks'));
  bytes[200_000]! ^= 1;
  writeFileSync(dir.join('out/blocks'), bytes);
  appendFileSync(dir.join('out/small'), 'x');
  rmSync(dir.join('out/empty'));
  const { different } = await verify();
  expect(different.toSorted()).toEqual(['blocks', 'empty', 'small'].map((name) => dir.join('out', name)));
});

test('a restore of a part removes nothing that it does not restore', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, {
    notes: { a: [block()] },
    current: { b: [block()] },
    other: { '.env': [] },
  });
  mkdirSync(dir.join('live'));
  writeFileSync(dir.join('live/b'), 'live');
  mkdirSync(dir.join('out'));
  writeFileSync(dir.join('out/notes'), 'a file by now');
  symlinkSync(dir.join('live'), dir.join('out/current'));
  const only = (...names: readonly string[]): Options => ({
    existing: 'delta',
    destinationAttributes: 'keep',
    filter: ({ path, node }) =>
      node.type === 'dir' ? 'descend' : names.includes(path.toString()) ? 'restore' : 'skip',
  });
  const { plan } = await restore(repository, tree, dir.join('out'), only('other/.env'));
  expect(plan.obstacles).toEqual([]);
  await expect(restore(repository, tree, dir.join('out'), only('other/.env', 'current/b'))).rejects.toMatchObject({
    code: 'destination-io',
    detail: { path: dir.join('out/current') },
  });
  expect(readFileSync(dir.join('out/notes'), 'utf8')).toBe('a file by now');
  expect(readlinkSync(dir.join('out/current'))).toBe(dir.join('live'));
  expect(readFileSync(dir.join('live/b'), 'utf8')).toBe('live');
  await restore(repository, tree, dir.join('out'), only('notes/a')); // a file cannot stay where its directory has to be
  expect(readdirSync(dir.join('out/notes'))).toEqual(['a']);
});

test('nobody reads in a file that was there what its new mode is to hide', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const tree = await storeTree(repository, { secret: [Buffer.from('secret')], same: [Buffer.from('same')] });
  mkdirSync(dir.join('out'));
  writeFileSync(dir.join('out/secret'), 'public', { mode: 0o644 });
  writeFileSync(dir.join('out/same'), 'same', { mode: 0o644 });
  const plan = await planRestore(ctx, repository, { treeId: tree, destination: dir.join('out'), existing: 'delta' });
  const modes: string[] = [];
  const modeOf = (name: string) => (statSync(dir.join('out', name)).mode & 0o777).toString(8);
  const phase = (name: string) => {
    if (name === 'setting attributes') modes.push(modeOf('secret'), modeOf('same'));
  };
  const progress = { phase, advance: () => undefined, note: () => undefined };
  await applyRestore(ctx, repository, plan, { threads: 0, progress });
  expect(readFileSync(dir.join('out/secret'), 'utf8')).toBe('secret');
  expect([...modes, modeOf('secret')]).toEqual(['600', '644', '640']);
});
