import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type TestContext } from 'vitest';
import type { Clock } from '../base/clock.ts';
import { createContext } from '../base/context.ts';
import { needs, rootOnly } from '../testing/needs.ts';
import { serverUser } from '../testing/serverUser.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { listed } from './contractSuite.ts';
import { openLocalBackend } from './local.ts';
import { removeStaleTemporaries } from './staleTemporaries.ts';

const ctx = createContext();
const writer = join(import.meta.dirname, 'fixture/writer.ts');
const some = Buffer.from('some bytes');
const strace = needs('strace');

/** A file system of 1 MiB in a temporary directory; unmounted on dispose. */
async function smallDisk(t: TestContext): Promise<TempDir> {
  const directory = await tempDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'understudy-test', directory.path], {
      stdio: 'pipe',
    });
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    if (process.env['CI'] !== 'true') t.skip(`root may not mount here: ${String(error)}`);
    throw error;
  }
  const dispose = async (): Promise<void> => {
    spawnSync('umount', [directory.path]);
    await directory[Symbol.asyncDispose]();
  };
  return { path: directory.path, join: (...parts) => directory.join(...parts), [Symbol.asyncDispose]: dispose };
}

const temporaries = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('-tmp-'));

rootOnly('a full disk is backend-full, leaves nothing behind, and the next put that fits succeeds', async (t) => {
  await using disk = await smallDisk(t);
  const backend = openLocalBackend(disk.path);
  await backend.put(ctx, 'config', some);
  await backend.put(ctx, 'wal/7/partial', some);
  for (const ifAbsent of [false, true]) {
    const tooMuch = backend.put(ctx, 'data/ab/pack', Buffer.alloc(2 * 1024 * 1024, 1), { ifAbsent });
    await expect(tooMuch).rejects.toMatchObject({ code: 'backend-full', hint: expect.stringContaining('prune') });
  }
  await expect(backend.put(ctx, 'wal/7/partial', Buffer.alloc(2 * 1024 * 1024))).rejects.toMatchObject({
    code: 'backend-full',
  });
  expect(await listed(backend, '')).toEqual({ 'config': 10, 'wal/7/partial': 10 });
  expect(temporaries(disk.path)).toEqual([]);
  await backend.put(ctx, 'data/ab/pack', Buffer.alloc(512 * 1024));
});

rootOnly('a file system that turns read-only is backend-denied for writing, and still reads', async (t) => {
  await using disk = await smallDisk(t);
  const backend = openLocalBackend(disk.path);
  await backend.put(ctx, 'config', some);
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  const denied = { code: 'backend-denied', hint: expect.stringContaining('read-only') };
  await expect(backend.put(ctx, 'config', some)).rejects.toMatchObject(denied);
  await expect(backend.put(ctx, 'locks/a', some, { ifAbsent: true })).rejects.toMatchObject(denied);
  await expect(backend.delete(ctx, 'config')).rejects.toMatchObject(denied);
  expect((await backend.get(ctx, 'config')).equals(some)).toBe(true);
  execFileSync('mount', ['-o', 'remount,rw', disk.path]);
  await backend.put(ctx, 'locks/a', some, { ifAbsent: true });
});

rootOnly(
  'an unmounted disk is an outage: its objects are not called absent, and none are written below its mount point',
  async (t) => {
    await using disk = await smallDisk(t);
    const backend = openLocalBackend(disk.path);
    await backend.put(ctx, 'config', some);
    await backend.put(ctx, 'wal/7/a', some);
    execFileSync('umount', [disk.path]);
    const away = { code: 'backend-unavailable', hint: expect.stringContaining('unmounted') };
    await expect(backend.get(ctx, 'wal/7/a')).rejects.toMatchObject(away);
    await expect(backend.put(ctx, 'wal/7/b', some)).rejects.toMatchObject(away);
    expect(readdirSync(disk.path)).toEqual([]);
  },
);

test('a directory that this user may not write or read is backend-denied', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path, { create: true });
  await backend.put(ctx, 'keys/a', some);
  await backend.put(ctx, 'wal/7/a', some);
  execFileSync('chmod', ['000', directory.join('keys/a')]);
  execFileSync('chmod', ['500', directory.join('wal/7')]);
  const denied = { code: 'backend-denied' };
  await asOrdinaryUser(async () => {
    await expect(backend.put(ctx, 'wal/7/b', some)).rejects.toMatchObject(denied);
    await expect(backend.delete(ctx, 'wal/7/a')).rejects.toMatchObject(denied);
    await expect(backend.get(ctx, 'keys/a')).rejects.toMatchObject(denied);
  });
  execFileSync('chmod', ['700', directory.join('wal/7')]);
});

/** Root is refused nothing, so it becomes somebody else for a moment. */
async function asOrdinaryUser(run: () => Promise<void>): Promise<void> {
  const user = serverUser();
  if (user === undefined) return run();
  process.seteuid?.(user.uid);
  try {
    await run();
  } finally {
    process.seteuid?.(0);
  }
}

interface Injected {
  /** strace's `-e inject=` expression. */
  readonly inject: string;
  readonly how?: 'replace' | 'ifAbsent';
}

/** Puts `keys/a` in a process of its own whose system calls are tampered with. */
function putTampered(
  directory: string,
  { inject, how = 'replace' }: Injected,
): { outcome: unknown; signal: string | null } {
  const call = inject.slice(0, inject.indexOf(':'));
  const tracing = ['-qq', '-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${inject}`];
  const result = spawnSync('strace', [...tracing, process.execPath, writer, directory, how, 'new bytes', 'keys/a'], {
    encoding: 'utf8',
  });
  return { outcome: result.stdout === '' ? undefined : JSON.parse(result.stdout), signal: result.signal };
}

strace('fsync of an object or its directory that fails: backend-io, and no object', async () => {
  for (const how of ['replace', 'ifAbsent'] as const) {
    for (const when of [1, 2]) {
      await using directory = await tempDir();
      const backend = openLocalBackend(directory.path, { create: true });
      const { outcome } = putTampered(directory.path, { inject: `fsync:error=EIO:when=${when}`, how });
      expect(outcome).toEqual(['backend-io']);
      expect(await listed(backend, '')).toEqual({});
      expect(temporaries(directory.path)).toEqual([]);
      await backend.put(ctx, 'keys/a', some, { ifAbsent: true });
    }
  }
});

strace('an object that is replaced is still there, whole, when fsync fails', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path, { create: true });
  for (const [when, left] of [
    [1, 'old bytes'],
    [2, 'new bytes'],
  ] as const) {
    await backend.put(ctx, 'keys/a', Buffer.from('old bytes'));
    const { outcome } = putTampered(directory.path, { inject: `fsync:error=EIO:when=${when}` });
    expect(outcome).toEqual(['backend-io']);
    expect((await backend.get(ctx, 'keys/a')).toString()).toBe(left);
  }
});

strace('errors that Node has no name for are told apart: a used up quota, a stale file handle', async () => {
  await using directory = await tempDir();
  openLocalBackend(directory.path, { create: true });
  const outcome = (error: string): unknown => putTampered(directory.path, { inject: `fsync:error=${error}` }).outcome;
  expect(outcome('EDQUOT')).toEqual(['backend-full']);
  expect(outcome('ESTALE')).toEqual(['backend-unavailable']);
});

strace('a file system without hard links is told so', async () => {
  await using directory = await tempDir();
  openLocalBackend(directory.path, { create: true });
  for (const error of ['EPERM', 'EOPNOTSUPP']) {
    const { outcome } = putTampered(directory.path, { inject: `link:error=${error}`, how: 'ifAbsent' });
    expect(outcome).toEqual(['backend-denied']);
  }
});

strace('kill -9 at the commit point leaves no object, only a temporary that is later removed', async () => {
  for (const [how, call] of [
    ['replace', 'rename'],
    ['ifAbsent', 'link'],
  ] as const) {
    await using directory = await tempDir();
    const backend = openLocalBackend(directory.path, { create: true });
    expect(putTampered(directory.path, { inject: `${call}:signal=KILL`, how }).signal).toBe('SIGKILL');
    expect(await backend.stat(ctx, 'keys/a')).toBeUndefined();
    expect(await listed(backend, '')).toEqual({});
    expect(temporaries(directory.path)).toHaveLength(1);
    const inTwoDays: Clock = { ...ctx.clock, now: () => new Date(Date.now() + 48 * 3_600_000) };
    expect(await removeStaleTemporaries(createContext({ clock: inTwoDays }), directory.path)).toBe(1);
    await backend.put(ctx, 'keys/a', some, { ifAbsent: true });
  }
});

/** The system calls of one operation that change the directory, in their order, with paths relative to it. */
function changes(directory: TempDir, how: 'replace' | 'delete', name: string): string[] {
  const trace = directory.join('trace');
  const calls = 'trace=mkdir,openat,fsync,rename,fchmod,unlink';
  spawnSync('strace', [
    '-qq',
    '-y',
    '-o',
    trace,
    '-e',
    calls,
    process.execPath,
    writer,
    directory.path,
    how,
    'x',
    name,
  ]);
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => /^(mkdir|fsync|rename|fchmod|unlink)\((.*)\) += 0/.exec(line)?.slice(1, 3).join(' ') ?? [])
    .map((line) => line.replaceAll(directory.path, '.').replaceAll(/-tmp-[0-9a-f]+/g, '-tmp'))
    .map((line) => line.replaceAll(/\d+<|[>"]/g, ''));
}

strace(
  'a put makes everything durable in order: directories it had to create, the bytes and who may change them, the name',
  async () => {
    await using directory = await tempDir();
    expect(changes(directory, 'replace', 'wal/7/a')).toEqual([
      'mkdir ./wal, 0700',
      'fsync .',
      'mkdir ./wal/7, 0700',
      'fsync ./wal',
      'fchmod ./wal/7/a-tmp, 0400',
      'fsync ./wal/7/a-tmp',
      'rename ./wal/7/a-tmp, ./wal/7/a',
      'fsync ./wal/7',
    ]);
  },
);

strace('a delete is durable, except of a pack', async () => {
  await using directory = await tempDir();
  const backend = openLocalBackend(directory.path);
  for (const name of ['index/a', 'data/ab/pack']) await backend.put(ctx, name, some);
  expect(changes(directory, 'delete', 'index/a')).toEqual(['unlink ./index/a', 'fsync ./index']);
  expect(changes(directory, 'delete', 'data/ab/pack')).toEqual(['unlink ./data/ab/pack']);
});
