import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { systemClock } from '../base/clock.ts';
import { createContext } from '../base/context.ts';
import type { Posix } from '../base/posix.ts';
import { silentProgress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';
import { newRepository } from '../testing/repositories.ts';
import { tempDir } from '../testing/tempDir.ts';
import { readPieces } from './fixture/logPieces.ts';
import { backupLogs, type LogsBackupOptions, type LogsBackupResult } from './logsBackup.ts';

/**
 * A process that is killed, in this process: from a certain step on nothing has an effect any more. A step is a call
 * that changes something in the directory of the logs or in the repository.
 */
const kill = vi.hoisted(() => ({
  stepsLeft: Infinity,
  steps: [] as string[],
  /** Something else that happens right before a step; it may throw in its place. */
  meanwhile: undefined as ((name: string) => void) | undefined,
  step(name: string): void {
    kill.meanwhile?.(name);
    if (kill.stepsLeft >= 0) kill.steps.push(name);
    if (kill.stepsLeft-- <= 0) throw new Error(`killed at ${name}`);
  },
  before<Args extends unknown[], Result>(name: string, call: (...args: Args) => Result): (...args: Args) => Result {
    return (...args) => {
      kill.step(name);
      return call(...args);
    };
  },
}));

/** What the file system of the logs is like: no space left, no `renameat2`. */
const disk = vi.hoisted(() => ({ isFull: false, isOld: false }));

vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>();
  const { linkSync, unlinkSync, renameSync, fsyncSync } = fs;
  return {
    ...fs,
    linkSync: kill.before('link', linkSync),
    unlinkSync: kill.before('unlink', unlinkSync),
    renameSync: kill.before('rename', renameSync),
    fsyncSync: kill.before('fsync', fsyncSync),
  };
});
vi.mock('node:fs/promises', async (load) => {
  const fs = await load<typeof import('node:fs/promises')>();
  const { open, rename, unlink, statfs } = fs;
  return {
    ...fs,
    statfs: async (path: string) => {
      const found = await statfs(path);
      return disk.isFull ? Object.assign(found, { bavail: 0 }) : found;
    },
    open: kill.before('open', open),
    rename: kill.before('rename', rename),
    unlink: kill.before('unlink', unlink),
  };
});
vi.mock('../base/posix.ts', async (load) => {
  const posix = (await load<typeof import('../base/posix.ts')>()).loadPosix()!;
  const counted = {
    ...posix,
    renameExclusive: kill.before('renameat2', (...names: Parameters<Posix['renameExclusive']>) => {
      if (disk.isOld) throw Object.assign(new Error('ENOSYS'), { code: 'ENOSYS' });
      posix.renameExclusive(...names);
    }),
    punchHole: kill.before('punch', (...range: Parameters<Posix['punchHole']>) => posix.punchHole(...range)),
    collapseRange: kill.before('collapse', (...range: Parameters<Posix['collapseRange']>) =>
      posix.collapseRange(...range),
    ),
  };
  return { loadPosix: () => counted };
});

const { appendFileSync, existsSync, rmSync, truncateSync } = await vi.importActual<typeof import('node:fs')>('node:fs');
/** Storage in memory shows at once what was written: there is nothing to wait for. */
const clock = {
  ...systemClock,
  sleep: async (ms: number, signal?: AbortSignal) => (ms <= 200 ? undefined : systemClock.sleep(ms, signal)),
};
const ctx = createContext({ clock });
let lines = 0;

/** Lines that are all alike for stretches longer than a block: by their content one cannot tell which were stored. */
function append(path: string, count: number): string {
  const text = Array.from({ length: count }, () => `line ${Math.floor(lines++ / 600)}\n`).join('');
  appendFileSync(path, text);
  return text;
}

async function killable(): Promise<Repository> {
  const backend = openMemoryBackend();
  const counted = new Proxy<Backend>(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const call = member.bind(target) as (...args: unknown[]) => unknown;
      return name === 'put' ? kill.before('put', call) : call;
    },
  });
  return newRepository({ backend: counted });
}

/** Rotates and is killed after so many steps; undefined when it was. */
async function rotateAndDie(
  repository: Repository,
  options: LogsBackupOptions,
  steps: number,
): Promise<LogsBackupResult | undefined> {
  kill.steps = [];
  kill.stepsLeft = steps;
  try {
    return await backupLogs(ctx, repository, options);
  } catch (error) {
    const causes = [error, (error as Error).cause].map(String);
    if (!causes.some((text) => text.includes('killed at'))) throw error;
    return undefined;
  } finally {
    kill.stepsLeft = Infinity;
  }
}

function optionsFor(directory: string, method: LogsBackupOptions['method']): LogsBackupOptions {
  return {
    source: 'app',
    directory,
    files: ['*.log'],
    method,
    keepLocalMs: 60_000,
    keepMs: 86_400_000,
    progress: silentProgress,
  };
}

async function storedText(repository: Repository, { snapshot }: LogsBackupResult): Promise<string> {
  return Buffer.concat(await readPieces(repository, snapshot)).toString();
}

afterEach(() => {
  kill.meanwhile = undefined;
  disk.isFull = disk.isOld = false;
});

test.each([
  ['rename', 'rename'],
  ['rename in two steps', 'rename'],
  ['copy-truncate', 'copy-truncate'],
] as const)('killed at any step of %s, the next run loses and doubles nothing', async (how, method) => {
  disk.isOld = how === 'rename in two steps';
  const reached = new Set<string>();
  let finished = false;
  for (let steps = 0; !finished; steps++) {
    await using dir = await tempDir({ on: 'disk' });
    const repository = await killable();
    const log = dir.join('app.log');
    const options = optionsFor(dir.path, method);
    let written = append(log, 1500);
    await backupLogs(ctx, repository, options);
    written += append(log, 1500);
    finished = (await rotateAndDie(repository, options, steps)) !== undefined;
    reached.add(kill.steps.at(-1) ?? '');
    written += append(log, 1500);
    const result = await backupLogs(ctx, repository, options);
    expect(result.problems).toEqual([]);
    const live = existsSync(log) ? readFileSync(log, 'utf8') : '';
    const stored = await storedText(repository, result);
    expect(stored + live === written, `killed at step ${steps}, ${kill.steps.join(' ')}`).toBe(true);
    const left = readdirSync(dir.path).filter((name) => !name.endsWith('Z.gz'));
    expect(left, 'nothing else stays').toEqual(method === 'rename' ? [] : ['app.log']);
  }
  expect([...reached]).toEqual(expect.arrayContaining(['unlink', 'fsync', 'put', 'open', 'rename']));
  if (how !== 'rename') expect([...reached]).toContain('link');
  if (method === 'rename') expect([...reached]).toContain('renameat2');
  else expect([...reached]).toEqual(expect.arrayContaining(['punch', 'collapse']));
});

test('blocks that cannot be taken out of a log after they were copied are stored once, when they can', async () => {
  await using dir = await tempDir({ on: 'disk' });
  const repository = await killable();
  const log = dir.join('app.log');
  const options = optionsFor(dir.path, 'copy-truncate');
  let written = append(log, 1500);
  let punches = 0;
  kill.meanwhile = (name) => {
    // the first one tries out the file system
    if (name === 'punch' && ++punches === 2) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  };
  const failed = await backupLogs(ctx, repository, options);
  expect(failed.problems).toMatchObject([{ code: 'file-io', detail: { systemError: 'ENOSPC' } }]);
  expect((await storedText(repository, failed)) + readFileSync(log, 'utf8')).toBe(written);
  written += append(log, 1500);
  const done = await backupLogs(ctx, repository, options);
  expect(done.problems).toEqual([]);
  expect((await storedText(repository, done)) + readFileSync(log, 'utf8')).toBe(written);
});

test('a log that somebody else empties before it is copied makes no piece, and nothing stays of the copy', async () => {
  await using dir = await tempDir({ on: 'disk' });
  const repository = await killable();
  const log = dir.join('app.log');
  const options = optionsFor(dir.path, 'copy-truncate');
  append(log, 1500);
  let written = '';
  kill.meanwhile = (name) => {
    if (name !== 'open' || written !== '') return;
    truncateSync(log);
    written = append(log, 700);
  };
  const emptied = await backupLogs(ctx, repository, options);
  expect(emptied.problems).toMatchObject([{ code: 'source-changed', detail: { log: 'app.log' } }]);
  expect(readdirSync(dir.path)).toEqual(['app.log']);
  expect(await storedText(repository, emptied)).toBe('');
  const done = await backupLogs(ctx, repository, options);
  expect(done.problems).toEqual([]);
  expect((await storedText(repository, done)) + readFileSync(log, 'utf8')).toBe(written);
});

test('a log that somebody makes anew while it is renamed stays', async () => {
  await using dir = await tempDir({ on: 'disk' });
  const repository = await killable();
  const log = dir.join('app.log');
  let written = append(log, 10);
  let made = '';
  kill.meanwhile = (name) => {
    if (name !== 'unlink' || made !== '') return;
    rmSync(log, { force: true });
    made = append(log, 10);
  };
  const options = optionsFor(dir.path, 'rename');
  const result = await backupLogs(ctx, repository, options);
  written += made;
  expect((await storedText(repository, result)) + readFileSync(log, 'utf8')).toBe(written);
});

test('where little space is left, no log is copied and no piece unpacked', async () => {
  await using dir = await tempDir({ on: 'disk' });
  const log = dir.join('app.log');
  const options = optionsFor(dir.path, 'copy-truncate');
  let written = append(log, 1500);
  await backupLogs(ctx, await killable(), options);
  written += append(log, 1500);
  const names = readdirSync(dir.path);
  disk.isFull = true;
  const repository = await killable(); // the one with the first piece is lost
  const { problems } = await backupLogs(ctx, repository, options);
  expect(problems).toMatchObject([
    { code: 'file-io', message: expect.stringContaining('too little space for a copy of app.log') },
    { code: 'file-io', message: expect.stringContaining('too little space for a copy of app.log.') },
  ]);
  expect(readdirSync(dir.path)).toEqual(names);
  disk.isFull = false;
  const done = await backupLogs(ctx, repository, options);
  expect(done.problems).toEqual([]);
  expect((await storedText(repository, done)) + readFileSync(log, 'utf8')).toBe(written);
});
