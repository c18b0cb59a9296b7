import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { newLocalRepository } from '../testing/repositories.ts';
import { tempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { readPieces } from './fixture/logPieces.ts';
import { backupLogs, type LogsBackupOptions } from './logsBackup.ts';

const ctx = createContext();
const linesPerSecond = 50_000;
const rotations = 10;

/** A writer at full speed; disposing ends it. */
async function startWriter(
  path: string,
): Promise<AsyncDisposable & { child: ChildProcess; stop: () => Promise<number> }> {
  const fixture = new URL('./fixture/logWriterProcess.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [fixture, path, String(linesPerSecond)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<number> => {
    child.kill('SIGTERM');
    const text = (await child.stdout.toArray()).join('');
    await exited;
    return Number(text);
  };
  await waitFor(() => statSync(path, { throwIfNoEntry: false }) !== undefined, { what: 'the writer begins' });
  return {
    child,
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The numbers at the beginning of the lines, and how many lines are not as the writer wrote them. */
function numbersIn(text: string): { first: number; last: number; wrong: number; count: number } {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  const wrong = lines.filter(
    (line, index) => line !== `${String(index).padStart(9, '0')} GET /events/${index % 977} 200`,
  );
  return {
    first: Number(lines[0]?.slice(0, 9)),
    last: Number(lines.at(-1)?.slice(0, 9)),
    wrong: wrong.length,
    count: lines.length,
  };
}

test.each(['rename', 'copy-truncate'] as const)(
  'a writer at 50,000 lines a second and ten rotations by %s: every line is there once',
  async (method) => {
    await using dir = await tempDir({ on: 'disk' });
    mkdirSync(dir.join('logs'));
    const log = dir.join('logs/app.log');
    const repository = await newLocalRepository(dir.join('repository'));
    await using writer = await startWriter(log);
    const options: LogsBackupOptions = {
      source: 'app',
      directory: dir.join('logs'),
      files: ['*.log'],
      method,
      afterRotate: method === 'rename' ? `kill -HUP ${writer.child.pid}` : undefined,
      keepLocalMs: 3_600_000,
      keepMs: 90 * 86_400_000,
      threads: 0,
      progress: silentProgress,
    };
    for (let rotation = 0; rotation < rotations; rotation++) {
      await waitFor(() => (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 200_000, {
        what: 'lines are written',
      });
      const { problems, record } = await backupLogs(ctx, repository, options);
      expect(problems).toEqual([]);
      expect(record.added).toHaveLength(1);
    }
    const written = await writer.stop();
    const { snapshot, record } = await backupLogs(ctx, repository, options);
    const stored = Buffer.concat(await readPieces(repository, snapshot)).toString();
    const rest = method === 'rename' ? '' : readFileSync(log, 'utf8');
    expect(numbersIn(stored + rest)).toEqual({ first: 0, last: written - 1, wrong: 0, count: written });
    expect(rest.length).toBeLessThanOrEqual(4096);
    expect(record.logs).toMatchObject([{ name: 'app.log', pieces: rotations + 1, sizeBytes: stored.length }]);
    const left = readdirSync(dir.join('logs')).filter((name) => !name.endsWith('Z.gz'));
    expect(left).toEqual(method === 'rename' ? [] : ['app.log']);
  },
);
