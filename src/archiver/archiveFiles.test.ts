import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { loadPosix } from '../base/posix.ts';
import { Secret } from '../base/secret.ts';
import { Repository } from '../repository/repository.ts';
import { Upload } from '../repository/upload.ts';
import { findNode } from '../snapshot/findPath.ts';
import { walkTree } from '../snapshot/walkTree.ts';
import { tempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { archiveFiles, type ArchiveFilesOptions } from './archiveFiles.ts';

const ctx = createContext();
const nsPerSecond = 1_000_000_000n;

function newRepository(): Promise<Repository> {
  return Repository.init(ctx, openMemoryBackend(), { password: new Secret('x'), cost: { N: 1024, r: 8, p: 1 } });
}

async function archive(repository: Repository, options: Omit<ArchiveFilesOptions, 'repository' | 'upload'>) {
  await using upload = await Upload.begin(ctx, repository, { threads: 0 });
  const archived = await archiveFiles(ctx, { repository, upload, ...options });
  return { ...archived, totals: await upload.commit() };
}

const loader = (repository: Repository) => (at: typeof ctx, id: string) => repository.loadBlob(at, 'tree', id);

async function listPaths(repository: Repository, tree: string, below: string): Promise<string[]> {
  const paths: string[] = [];
  await walkTree(ctx, loader(repository), tree, { visit: ({ path }) => void paths.push(`/${path.toString()}`) });
  return paths.filter((path) => path.startsWith(`${below}/`)).map((path) => path.slice(below.length + 1));
}

/** A time by which everything that exists now is old enough to be trusted. */
const later = () => (BigInt(Date.now()) / 1000n + 2n) * nsPerSecond;

test('unchanged files are taken over from the parent, changed ones are read', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in/sub'), { recursive: true });
  for (const name of ['in/same', 'in/touched', 'in/grown', 'in/sub/same']) writeFileSync(dir.join(name), name);
  const paths = [dir.join('in')];
  const first = await archive(repository, { paths });
  expect(first.counts).toMatchObject({ filesNew: 4, filesUnmodified: 0, dirsUnmodified: 0, totalBytes: 36 });

  appendFileSync(dir.join('in/grown'), ' more');
  utimesSync(dir.join('in/touched'), 5, 5);
  writeFileSync(dir.join('in/new'), 'new');
  const parent = { treeId: first.treeId, startedNs: later() };
  const second = await archive(repository, { paths, parent });
  expect(second.counts).toMatchObject({ filesNew: 1, filesChanged: 2, filesUnmodified: 2, dirsUnmodified: 1 });
  expect(second.totals.dataBlobs).toBe(2);
  expect(await listPaths(repository, second.treeId, dir.join('in'))).toEqual([
    'grown',
    'new',
    'same',
    'sub',
    'sub/same',
    'touched',
  ]);
});

test('a file touched in the second in which the parent began is read again', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  writeFileSync(dir.join('file'), 'file');
  const paths = [dir.join('file')];
  const first = await archive(repository, { paths });
  const { ctimeNs } = lstatSync(dir.join('file'), { bigint: true });
  const sameSecond = { treeId: first.treeId, startedNs: ctimeNs - (ctimeNs % nsPerSecond) + nsPerSecond - 1n };
  expect((await archive(repository, { paths, parent: sameSecond })).counts.filesUnmodified).toBe(0);
  const nextSecond = { treeId: first.treeId, startedNs: sameSecond.startedNs + 1n };
  expect((await archive(repository, { paths, parent: nextSecond })).counts.filesUnmodified).toBe(1);
});

test('a parent whose blobs or trees are gone is no reason to skip a file', async () => {
  await using dir = await tempDir();
  writeFileSync(dir.join('file'), 'file');
  const paths = [dir.join('file')];
  const elsewhere = await archive(await newRepository(), { paths });
  const repository = await newRepository();
  const ours = await archive(repository, { paths, parent: { treeId: elsewhere.treeId, startedNs: later() } });
  expect(ours.totals.dataBlobs).toBe(1);
  expect(ours.treeId).toBe(elsewhere.treeId);
});

test('what is excluded is left out with all below it, and so are sockets', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in/cache/deep'), { recursive: true });
  writeFileSync(dir.join('in/cache/deep/file'), '');
  writeFileSync(dir.join('in/a.log'), '');
  writeFileSync(dir.join('in/b'), '');
  const server = createServer().listen(dir.join('in/socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const exclude = (path: Buffer) => path.toString().endsWith('/cache') || path.toString().endsWith('.log');
  const { treeId, outcome } = await archive(repository, { paths: [dir.join('in')], exclude });
  await new Promise((resolve) => server.close(resolve));
  expect(outcome).toBe('complete');
  expect(await listPaths(repository, treeId, dir.join('in'))).toEqual(['b']);
});

test('several paths, one inside another, become one tree with their common components', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('a/b'), { recursive: true });
  mkdirSync(dir.join('c'));
  for (const name of ['a/file', 'a/b/file', 'c/file', 'c/other']) writeFileSync(dir.join(name), name);
  symlinkSync('c', dir.join('link'));
  const paths = [dir.join('a/b'), dir.join('a'), dir.join('c/file'), Buffer.from(dir.join('link/other'))];
  const { treeId } = await archive(repository, { paths });
  expect(await listPaths(repository, treeId, dir.path)).toEqual([
    'a',
    'a/b',
    'a/b/file',
    'a/file',
    'c',
    'c/file',
    'link',
    'link/other',
  ]);
  const node = await findNode(ctx, loader(repository), treeId, dir.join('c'));
  expect(node).toMatchObject({ type: 'dir', inode: statSync(dir.join('c'), { bigint: true }).ino });
});

test('a file that cannot be read makes the outcome incomplete, the rest is archived', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  writeFileSync(dir.join('good'), 'good');
  const memory = `/proc/${process.pid}/mem`;
  const { treeId, outcome, unreadable } = await archive(repository, { paths: [dir.join('good'), memory] });
  expect(outcome).toBe('incomplete');
  expect(unreadable).toEqual([{ path: Buffer.from(memory), systemError: 'EIO' }]);
  expect(await listPaths(repository, treeId, dir.path)).toEqual(['good']);
});

test('a file that vanishes between listing and reading is told and no failure', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in'));
  for (const name of ['a', 'b', 'c']) writeFileSync(dir.join('in', name), name);
  const exclude = (path: Buffer) => {
    if (path.toString() === dir.join('in/c')) unlinkSync(dir.join('in/b'));
    if (path.toString() === dir.join('in/b')) rmSync(dir.join('in/a'));
    return false;
  };
  const { treeId, outcome, vanished } = await archive(repository, { paths: [dir.join('in')], exclude });
  expect(outcome).toBe('complete');
  expect(vanished.map(String).toSorted()).toEqual([dir.join('in/a'), dir.join('in/b')]);
  expect(await listPaths(repository, treeId, dir.join('in'))).toEqual(['c']);
});

test('a file that changes between listing and reading is archived as it was read, with its new status', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in'));
  for (const name of ['a', 'b', 'c']) writeFileSync(dir.join('in', name), name);
  const exclude = (path: Buffer) => {
    if (path.toString() !== dir.join('in/c')) return false;
    appendFileSync(dir.join('in/a'), ' grown');
    writeFileSync(dir.join('in/new'), 'another file');
    renameSync(dir.join('in/new'), dir.join('in/b'));
    return false;
  };
  const { treeId, changed } = await archive(repository, { paths: [dir.join('in')], exclude });
  expect(changed).toEqual([]);
  for (const name of ['a', 'b']) {
    const stat = statSync(dir.join('in', name), { bigint: true });
    const { size, inode, mtimeNs, ctimeNs } = await findNode(ctx, loader(repository), treeId, dir.join('in', name));
    expect({ size, inode, mtimeNs, ctimeNs }).toEqual({
      size: stat.size,
      inode: stat.ino,
      mtimeNs: stat.mtimeNs,
      ctimeNs: stat.ctimeNs,
    });
  }
});

test('a file that is written to all the time is told as changed, and read again by the next backup', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in'));
  writeFileSync(dir.join('in/log'), Buffer.alloc(8 * 1024 * 1024, 'a line\n'));
  const paths = [dir.join('in')];
  const writer = spawn('sh', ['-c', 'while :; do echo another line; done >> log'], { cwd: dir.join('in') });
  await waitFor(() => statSync(dir.join('in/log')).size > 8 * 1024 * 1024, { what: 'the writer writes' });
  const first = await archive(repository, { paths });
  const ended = once(writer, 'exit');
  writer.kill();
  await ended;
  expect(first.changed.map(String)).toEqual([dir.join('in/log')]);
  expect(first.counts.filesNew).toBe(1);
  const second = await archive(repository, { paths, parent: { treeId: first.treeId, startedNs: later() } });
  expect(second.changed).toEqual([]);
  expect(second.counts).toMatchObject({ filesChanged: 1, filesUnmodified: 0 });
});

test('a private file is archived with mode 0600 and without its ACL', async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  mkdirSync(dir.join('in'));
  for (const name of ['.env', 'public']) writeFileSync(dir.join('in', name), name, { mode: 0o644 });
  const letUserOneRead =
    '02000000 01000600ffffffff 0200040001000000 04000400ffffffff 10000400ffffffff 20000400ffffffff';
  const bytes = Buffer.from(letUserOneRead.replaceAll(' ', ''), 'hex');
  loadPosix()?.setXattr(Buffer.from(dir.join('in/.env')), Buffer.from('system.posix_acl_access'), bytes);
  const isPrivate = (path: Buffer) => path.toString().endsWith('/.env');
  const { treeId } = await archive(repository, { paths: [dir.join('in')], isPrivate });
  const node = await findNode(ctx, loader(repository), treeId, dir.join('in/.env'));
  expect(node.extendedAttributes).toBeUndefined();
  const modeOf = async (name: string) => (await findNode(ctx, loader(repository), treeId, dir.join('in', name))).mode;
  expect([await modeOf('.env'), await modeOf('public')]).toEqual([0o600, 0o644]);
});

test('a path that does not exist is an error', async () => {
  const archiving = archive(await newRepository(), { paths: ['/there/is/no/such'] });
  await expect(archiving).rejects.toMatchObject({ code: 'file-missing' });
});

test('other file systems are left out but for their mount point', async () => {
  const repository = await newRepository();
  const exclude = (path: Buffer) => !/^\/(proc|dev)(\/shm)?$/.test(path.toString());
  const { treeId } = await archive(repository, { paths: ['/'], exclude, oneFileSystem: true });
  const paths = await listPaths(repository, treeId, '');
  expect(paths).toEqual(['dev', 'proc']);
});

test('what is mounted where a path leads is not left out as another file system', async () => {
  const repository = await newRepository();
  const named = mkdtempSync('/dev/shm/us-');
  try {
    writeFileSync(`${named}/file`, 'x');
    const exclude = (path: Buffer) => !`${named}/file`.startsWith(path.toString());
    const { treeId } = await archive(repository, { paths: ['/dev', named], exclude, oneFileSystem: true });
    expect(await listPaths(repository, treeId, named)).toEqual(['file']);
  } finally {
    rmSync(named, { recursive: true });
  }
});

test('ten thousand files in more than one batch end in their directories', { timeout: 30_000 }, async () => {
  await using dir = await tempDir();
  const repository = await newRepository();
  for (let sub = 0; sub < 10; sub++) {
    mkdirSync(dir.join(`in/${sub}`), { recursive: true });
    for (let file = 0; file < 1000; file++) writeFileSync(dir.join(`in/${sub}/${file}`), `${sub}/${file}`);
  }
  const { treeId, counts } = await archive(repository, { paths: [dir.join('in')] });
  expect(counts.filesNew).toBe(10_000);
  expect(await listPaths(repository, treeId, dir.join('in'))).toHaveLength(10_010);
  const node = await findNode(ctx, loader(repository), treeId, dir.join('in/7/77'));
  const [id] = node.type === 'file' ? [...node.content] : [];
  expect((await repository.loadBlob(ctx, 'data', id!)).toString()).toBe('7/77');
});
