import { readFileSync, readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
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
  step(name: string): void {
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
  const { open, rename, unlink } = fs;
  return {
    ...fs,
    open: kill.before('open', open),
    rename: kill.before('rename', rename),
    unlink: kill.before('unlink', unlink),
  };
});
vi.mock('../base/posix.ts', async (load) => {
  const posix = (await load<typeof import('../base/posix.ts')>()).loadPosix()!;
  const counted = {
    ...posix,
    punchHole: kill.before('punch', (...range: Parameters<Posix['punchHole']>) => posix.punchHole(...range)),
    collapseRange: kill.before('collapse', (...range: Parameters<Posix['collapseRange']>) =>
      posix.collapseRange(...range),
    ),
  };
  return { loadPosix: () => counted };
});

const { appendFileSync, existsSync } = await vi.importActual<typeof import('node:fs')>('node:fs');
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

test.each(['rename', 'copy-truncate'] as const)(
  'killed at any step of %s, the next run loses and doubles nothing',
  async (method) => {
    const reached = new Set<string>();
    let finished = false;
    for (let steps = 0; !finished; steps++) {
      await using dir = await tempDir({ on: 'disk' });
      const repository = await killable();
      const log = dir.join('app.log');
      const options: LogsBackupOptions = {
        source: 'app',
        directory: dir.path,
        files: ['*.log'],
        method,
        keepLocalMs: 60_000,
        keepMs: 86_400_000,
        progress: silentProgress,
      };
      let written = append(log, 1500);
      await backupLogs(ctx, repository, options);
      written += append(log, 1500);
      finished = (await rotateAndDie(repository, options, steps)) !== undefined;
      reached.add(kill.steps.at(-1) ?? '');
      written += append(log, 1500);
      const { snapshot, problems } = await backupLogs(ctx, repository, options);
      expect(problems).toEqual([]);
      const live = existsSync(log) ? readFileSync(log, 'utf8') : '';
      const stored = Buffer.concat(await readPieces(repository, snapshot)).toString();
      expect(stored + live === written, `killed at step ${steps}, ${kill.steps.join(' ')}`).toBe(true);
      const left = readdirSync(dir.path).filter((name) => !name.endsWith('Z.gz'));
      expect(left, 'nothing else stays').toEqual(method === 'rename' ? [] : ['app.log']);
    }
    expect([...reached]).toEqual(expect.arrayContaining(['link', 'unlink', 'fsync', 'put', 'open', 'rename']));
    if (method === 'copy-truncate') expect([...reached]).toEqual(expect.arrayContaining(['punch', 'collapse']));
  },
);
