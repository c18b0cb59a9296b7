import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { tempDir } from '../testing/tempDir.ts';
import { listed } from './contractSuite.ts';
import { openLocalBackend } from './local.ts';
import { removeStaleTemporaries } from './staleTemporaries.ts';

const ctx = createContext();
const run = promisify(execFile);
const writer = join(import.meta.dirname, 'fixture/writer.ts');
const some = Buffer.from('some bytes');

const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);

test('create makes restic’s layout, private to its owner; a second time changes nothing', async () => {
  await using directory = await tempDir();
  const path = directory.join('new/repository');
  for (const _ of [1, 2]) openLocalBackend(path, { create: true });
  expect(readdirSync(path).sort()).toEqual(['data', 'index', 'keys', 'locks', 'snapshots']);
  expect(readdirSync(join(path, 'data'))).toHaveLength(256);
  expect([path, join(path, 'data/00'), join(path, 'data/ff'), join(path, 'keys')].map(modeOf)).toEqual(
    Array(4).fill('700'),
  );
});

test.runIf(process.geteuid?.() === 0)('what root writes belongs to the owner of the directory', async () => {
  await using directory = await tempDir();
  chownSync(directory.path, 65_533, 65_532);
  await openLocalBackend(directory.path).put(ctx, 'a/b/c', some);
  for (const name of ['a', 'a/b', 'a/b/c'])
    expect(lstatSync(directory.join(name))).toMatchObject({ uid: 65_533, gid: 65_532 });
});

test.runIf(process.geteuid?.() === 0)(
  'what the owner of a repository has linked to elsewhere stays root’s',
  async () => {
    await using directory = await tempDir();
    await using elsewhere = await tempDir();
    chownSync(directory.path, 65_533, 65_532);
    symlinkSync(elsewhere.path, directory.join('snapshots'));
    await openLocalBackend(directory.path).put(ctx, 'snapshots/deep/x', some);
    for (const name of ['', 'deep', 'deep/x'])
      expect(lstatSync(elsewhere.join(name))).toMatchObject({ uid: 0, gid: 0 });
  },
);

test.runIf(process.geteuid?.() === 0)(
  'a layout that root makes in the directory of another user is that user’s',
  async () => {
    await using directory = await tempDir();
    chownSync(directory.path, 65_533, 65_532);
    openLocalBackend(directory.path, { create: true });
    for (const name of ['keys', 'data', 'data/7f'])
      expect(lstatSync(directory.join(name))).toMatchObject({ uid: 65_533, gid: 65_532 });
  },
);

test('objects are read-only for their owner; their group gets what it has on config', async () => {
  await using directory = await tempDir();
  const umask = process.umask(0o077);
  try {
    const alone = openLocalBackend(directory.path);
    await alone.put(ctx, 'config', some);
    await alone.put(ctx, 'keys/a', some);
    expect(['config', 'keys', 'keys/a'].map((name) => modeOf(directory.join(name)))).toEqual(['400', '700', '400']);
    chmodSync(directory.join('config'), 0o440);
    process.umask(0o007);
    const shared = openLocalBackend(directory.path);
    await shared.put(ctx, 'wal/7/a', some);
    expect(['wal', 'wal/7', 'wal/7/a'].map((name) => modeOf(directory.join(name)))).toEqual(['770', '770', '440']);
  } finally {
    process.umask(umask);
  }
});

test('what is no object is invisible: temporaries, hidden and odd names, files directly in data/, depth below data/xx', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path);
  await backend.put(ctx, 'data/ab/pack', some);
  mkdirSync(directory.join('lost+found'));
  mkdirSync(directory.join('data/ab/sub'));
  const foreign = [
    'config-tmp-0123',
    'data/stray',
    'data/ab/pack-tmp-77',
    'data/ab/sub/x',
    'data/.hidden',
    'lost+found/x',
  ];
  for (const name of foreign) writeFileSync(directory.join(name), 'foreign');
  expect(await listed(backend, '')).toEqual({ 'data/ab/pack': some.byteLength });
  expect(await listed(backend, 'data/')).toEqual({ 'data/ab/pack': some.byteLength });
});

test('a folder that is a symbolic link to another disk is listed', async () => {
  await using directory = await tempDir();
  mkdirSync(directory.join('other'));
  mkdirSync(directory.join('repository'));
  symlinkSync(directory.join('other'), directory.join('repository/wal'));
  const backend = openLocalBackend(directory.join('repository'));
  await backend.put(ctx, 'wal/7/a', some);
  expect(await listed(backend, 'wal/')).toEqual({ 'wal/7/a': some.byteLength });
});

test('a place that is no directory is a missing repository', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('file'), '');
  for (const name of ['absent', 'file']) {
    expect(() => openLocalBackend(directory.join(name))).toThrow(
      expect.objectContaining({ code: 'repository-missing' }),
    );
  }
  expect(() => openLocalBackend(directory.join('file/below'), { create: true })).toThrow(
    expect.objectContaining({ code: 'backend-denied' }),
  );
});

test('when config vanishes the repository is gone: nothing is called absent, nothing is created', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path);
  await backend.put(ctx, 'config', some);
  rmSync(directory.join('config'));
  const gone = { code: 'backend-unavailable' };
  await expect(backend.get(ctx, 'wal/7/a')).rejects.toMatchObject(gone);
  await expect(backend.stat(ctx, 'wal/7/a')).rejects.toMatchObject(gone);
  await expect(listed(backend, 'wal/')).rejects.toMatchObject(gone);
  await expect(backend.delete(ctx, 'wal/7/a')).rejects.toMatchObject(gone);
  await expect(backend.put(ctx, 'wal/7/a', some)).rejects.toMatchObject(gone);
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a directory that vanishes is not created anew', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.join('repository'), { create: true });
  rmSync(directory.join('repository'), { recursive: true });
  await expect(backend.put(ctx, 'keys/a', some)).rejects.toMatchObject({ code: 'backend-unavailable' });
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a file that is in the way of a directory, or a directory in the way of an object, is refused for good', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path);
  await backend.put(ctx, 'wal/7/a', some);
  for (const name of ['wal/7/a/b', 'wal/7']) {
    await expect(backend.put(ctx, name, some), name).rejects.toMatchObject({ code: 'backend-denied' });
  }
  expect(await listed(backend, '')).toEqual({ 'wal/7/a': some.byteLength });
  expect(readdirSync(directory.join('wal'))).toEqual(['7']);
});

test('several processes that put the same names with ifAbsent: each name has one winner, whose bytes it holds', async () => {
  await using directory = await tempDir();
  const names = Array.from({ length: 60 }, (_, index) => `wal/7/${index}`);
  const writers = ['first', 'second', 'third'];
  const results = await Promise.all(
    writers.map((content) => run(process.execPath, [writer, directory.path, 'ifAbsent', content, ...names])),
  );
  const outcomes = results.map(({ stdout }) => JSON.parse(stdout) as string[]);
  const backend = openLocalBackend(directory.path);
  for (const [index, name] of names.entries()) {
    const winners = writers.filter((_, which) => outcomes[which]?.[index] === 'done');
    expect(winners, name).toHaveLength(1);
    expect((await backend.get(ctx, name)).toString()).toBe(winners[0]);
  }
  expect(new Set(outcomes.flat())).toEqual(new Set(['done', 'object-exists']));
  expect(readdirSync(directory.join('wal/7')).filter((name) => name.includes('-tmp-'))).toEqual([]);
});

test('temporaries older than a day are removed, younger ones and everything else stay', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path, { create: true });
  await backend.put(ctx, 'data/ab/pack', some);
  const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000);
  const old = ['config-tmp-1', 'data/ab/pack-tmp-2', 'data/ab/pack'];
  for (const name of [...old, 'keys/k-tmp-3']) {
    if (name.includes('tmp')) writeFileSync(directory.join(name), 'half');
    if (old.includes(name)) utimesSync(directory.join(name), twoDaysAgo, twoDaysAgo);
  }
  expect(await removeStaleTemporaries(ctx, directory.path)).toBe(2);
  expect(readdirSync(directory.join('keys'))).toEqual(['k-tmp-3']);
  expect(readdirSync(directory.join('data/ab'))).toEqual(['pack']);
});
