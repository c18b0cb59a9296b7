import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { needs } from '../src/testing/needs.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, outcomeOf, runProgram, startProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 120_000 });

const configuration = `
sources:
  rename: { kind: logs, directory: rename, afterRotate: 'kill -HUP $(cat rename.pid)' }
  copy-truncate: { kind: logs, directory: copy-truncate, method: copy-truncate }
  code:
    kind: git
    path: work
    mirrorDirectory: mirror
    remotes: { gone: 'https://robot:\${TOKEN}@127.0.0.1:1/app.git' }
`;
const writerProgram = resolve(import.meta.dirname, '../src/backup/fixture/logWriterProcess.ts');

let dir: TempDir;

beforeAll(async () => {
  dir = await tempDir({ on: 'disk' });
  await makeRepository(dir.join('repository'));
  writeFileSync(dir.join('understudy.yaml'), configuration);
});
afterAll(() => dir[Symbol.asyncDispose]());

const environment = (): Record<string, string> => ({
  ...repositoryEnvironment(dir.join('repository')),
  TOKEN: 'hunter2',
});

async function succeeded(...words: readonly string[]): Promise<Outcome> {
  const outcome = await runProgram(words, { cwd: dir.path, environment: environment() });
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  return outcome;
}

/** Starts a backup and kills it when the condition holds; it may end before. */
async function killWhen(source: string, condition: () => boolean): Promise<void> {
  const child = startProgram(['backup', source], { cwd: dir.path, environment: environment() });
  const outcome = outcomeOf(child);
  while (child.exitCode === null && !condition()) await setImmediate();
  child.kill('SIGKILL');
  await outcome;
}

test.each(['rename', 'copy-truncate'])(
  'a writer, and backups by %s that are killed: every line is there once',
  async (source) => {
    mkdirSync(dir.join(source));
    const log = dir.join(source, 'app.log');
    const names = (): string[] => readdirSync(dir.join(source));
    const snapshots = (): number => readdirSync(dir.join('repository/snapshots')).length;
    const writer = spawn(process.execPath, [writerProgram, log, '10000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = text(writer.stdout);
    const ended = once(writer, 'exit');
    try {
      writeFileSync(dir.join(`${source}.pid`), String(writer.pid));
      // to the log, or to what was renamed and not yet followed by a new one
      const waiting = (): string[] => names().filter((name) => !name.endsWith('.gz'));
      const grown = (): boolean => waiting().some((name) => statSync(join(dir.path, source, name)).size > 50_000);
      await waitFor(grown, { what: 'lines are written' });
      await killWhen(source, () => names().some((name) => name.endsWith('Z')));
      await waitFor(grown, { what: 'lines are written' });
      const before = snapshots();
      await killWhen(source, () => snapshots() > before);
      await waitFor(grown, { what: 'lines are written' });
      await succeeded('backup', source);
    } finally {
      writer.kill('SIGTERM');
      await ended;
    }
    const written = Number(await output);
    const { stdout } = await succeeded('backup', source, '--json');
    const snapshot = String(jsonLines(stdout).at(-1)?.['snapshot_id']);
    await succeeded('restore', 'files', snapshot, '--target-dir', dir.join(`restored-${source}`));
    const pieces = join(dir.join(`restored-${source}`), source, 'logs');
    const stored = readdirSync(pieces)
      .sort()
      .map((name) => readFileSync(join(pieces, name), 'utf8'))
      .join('');
    const rest = names().includes('app.log') ? readFileSync(log, 'utf8') : '';
    const numbers = (stored + rest)
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(line.slice(0, 9)));
    expect(numbers).toHaveLength(written);
    expect(numbers.every((number, index) => number === index)).toBe(true);
  },
);

needs('git')('a git repository is backed up, compared, and cloned from what was restored', async () => {
  const git = (...words: string[]): string =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-C', dir.path, ...words], {
      encoding: 'utf8',
    });
  git('init', '-q', '-b', 'main', 'work');
  git('init', '-q', '--bare', 'origin.git');
  writeFileSync(dir.join('work/one'), 'one');
  git('-C', 'work', 'add', 'one');
  git('-C', 'work', 'commit', '-q', '-m', 'one');
  git('-C', 'work', 'remote', 'add', 'origin', '../origin.git');
  git('-C', 'work', 'push', '-q', 'origin', 'main');
  git('-C', 'work', 'commit', '-q', '--allow-empty', '-m', 'two');
  writeFileSync(dir.join('work/new'), 'in no commit');
  const { stdout, stderr } = await succeeded('backup', 'code');
  expect(stdout).toMatch(/remote origin .*: 0 branches equal\n +main: ahead \(1 ahead, 0 behind\)/);
  expect(stdout).toContain('remote gone (https://127.0.0.1:1/app.git): unreachable');
  expect(stderr).toMatch(/remote gone cannot be compared: .*127\.0\.0\.1/);
  expect(stderr).toContain('1 file with changes that are in no commit');
  expect(stdout + stderr).not.toContain('hunter2');
  await succeeded('restore', 'files', 'latest', '--source', 'code', '--target-dir', dir.join('code'));
  git('clone', '-q', 'code/code/repository.git', 'clone');
  expect(git('-C', 'clone', 'rev-parse', 'HEAD')).toBe(git('-C', 'work', 'rev-parse', 'HEAD'));
});
