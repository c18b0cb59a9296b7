import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';
import { newLocalRepository } from '../testing/repositories.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { readPieces } from './fixture/logPieces.ts';
import { LogDirectory } from './logs/logDirectory.ts';
import { backupLogs, type LogsBackupOptions, type LogsBackupResult } from './logsBackup.ts';

const dayMs = 86_400_000;
const packed = /^app\.log\.\d{8}T\d{6}\.\d{3}Z\.gz$/;
const unpacked = /^app\.log\.\d{8}T\d{6}\.\d{3}Z$/;

interface Bench extends AsyncDisposable {
  readonly dir: TempDir;
  readonly log: string;
  repository: Repository;
  /** Days after the first run. */
  rotate(options?: Partial<LogsBackupOptions>, days?: number): Promise<LogsBackupResult>;
  names(): string[];
}

async function openBench(): Promise<Bench> {
  const dir = await tempDir({ on: 'disk' });
  const repositories = await tempDir();
  const bench: Bench = {
    dir,
    log: dir.join('app.log'),
    repository: await newLocalRepository(repositories.join('r')),
    rotate: (options = {}, days = 0) => {
      const now = (): Date => new Date(Date.now() + days * dayMs);
      const at = createContext({ clock: { ...systemClock, now } });
      return backupLogs(at, bench.repository, {
        source: 'app',
        directory: dir.path,
        files: ['*.log'],
        method: 'rename',
        keepLocalMs: 7 * dayMs,
        keepMs: 90 * dayMs,
        quietTimeoutMs: 100,
        threads: 0,
        progress: silentProgress,
        ...options,
      });
    },
    names: () => readdirSync(dir.path),
    [Symbol.asyncDispose]: async () => {
      await dir[Symbol.asyncDispose]();
      await repositories[Symbol.asyncDispose]();
    },
  };
  return bench;
}

async function content({ repository }: Bench, { snapshot }: LogsBackupResult): Promise<string> {
  return Buffer.concat(await readPieces(repository, snapshot)).toString();
}

test('pieces are packed when they are stored, go after a time, and stay in the snapshots for longer', async () => {
  await using bench = await openBench();
  writeFileSync(bench.log, 'one\n');
  writeFileSync(bench.dir.join('other.txt'), 'not a log');
  const first = await bench.rotate();
  expect(first.record.logs).toMatchObject([{ name: 'app.log', pieces: 1, sizeBytes: 4 }]);
  expect(bench.names()).toEqual([expect.stringMatching(packed), 'other.txt']);
  expect(gunzipSync(readFileSync(bench.dir.join(bench.names()[0]!))).toString()).toBe('one\n');
  writeFileSync(bench.log, 'two\n');
  const second = await bench.rotate({}, 6);
  expect(second).toMatchObject({ removed: 0, record: { parent: first.snapshot.id, added: [{ sizeBytes: 4 }] } });
  const third = await bench.rotate({}, 8);
  expect(third.removed).toBe(1);
  expect(await content(bench, third)).toBe('one\ntwo\n');
  const late = await bench.rotate({}, 91);
  expect(await content(bench, late)).toBe('two\n');
  expect(bench.names()).toEqual(['other.txt']);
});

test('a piece that is still written to waits, and comes whole with a later run', async () => {
  await using bench = await openBench();
  const writer = openSync(bench.log, 'a');
  writeSync(writer, 'one\n');
  const first = await bench.rotate();
  expect(first.problems).toMatchObject([{ code: 'incomplete', detail: { pids: [process.pid] } }]);
  expect(first.record).toMatchObject({ logs: [], problems: [expect.stringContaining(`process ${process.pid}`)] });
  writeSync(writer, 'two\n');
  expect(bench.names()).toEqual([expect.stringMatching(unpacked)]);
  closeSync(writer);
  const second = await bench.rotate();
  expect(second.problems).toEqual([]);
  expect(await content(bench, second)).toBe('one\ntwo\n');
});

test('the command after rotating runs once something was rotated; its failure is told', async () => {
  await using bench = await openBench();
  const failing = { afterRotate: `touch ${bench.dir.join('ran')}; echo no such app >&2; exit 3` };
  expect((await bench.rotate(failing)).problems).toEqual([]);
  expect(bench.names()).toEqual([]);
  const writer = openSync(bench.log, 'a');
  writeSync(writer, 'one\n');
  const { problems } = await bench.rotate(failing);
  expect(problems[0]).toMatchObject({ code: 'program-failed', message: expect.stringContaining('no such app') });
  expect(bench.names()).toContain('ran');
  closeSync(writer);
});

test('when the repository is lost, pieces that are still here are stored again', async () => {
  await using bench = await openBench();
  await using elsewhere = await tempDir();
  writeFileSync(bench.log, 'one\n');
  await bench.rotate();
  bench.repository = await newLocalRepository(elsewhere.join('r'));
  writeFileSync(bench.log, 'two\n');
  expect(await content(bench, await bench.rotate())).toBe('one\ntwo\n');
  expect(bench.names()).toEqual([expect.stringMatching(packed), expect.stringMatching(packed)]);
});

test('after the clock went back every piece is in the next snapshot all the same', async () => {
  await using bench = await openBench();
  for (const [text, days] of [
    ['one\n', 10],
    ['two\n', 0],
  ] as const) {
    writeFileSync(bench.log, text);
    await bench.rotate({}, days);
    for (const name of bench.names()) rmSync(bench.dir.join(name));
  }
  writeFileSync(bench.log, 'three\n');
  expect(await content(bench, await bench.rotate({}, 1))).toBe('one\ntwo\nthree\n');
});

test('a log is not cut under a writer that does not append', async () => {
  await using bench = await openBench();
  const text = 'line\n'.repeat(2000);
  const writer = openSync(bench.log, 'w');
  writeSync(writer, text);
  const refused = await bench.rotate({ method: 'copy-truncate' });
  expect(refused.problems).toMatchObject([
    { code: 'source-unsuitable', message: expect.stringContaining('does not append'), detail: { pids: [process.pid] } },
  ]);
  expect(readFileSync(bench.log, 'utf8')).toBe(text);
  closeSync(writer);
  const appender = openSync(bench.log, 'a');
  const done = await bench.rotate({ method: 'copy-truncate' });
  writeSync(appender, 'last\n');
  closeSync(appender);
  expect(done.problems).toEqual([]);
  expect((await content(bench, done)) + readFileSync(bench.log, 'utf8')).toBe(`${text}last\n`);
});

test('a file system that cannot shorten files at their beginning is refused, and nothing is touched', async () => {
  await using bench = await openBench();
  const directory = mkdtempSync('/dev/shm/us-');
  try {
    const text = 'line\n'.repeat(2000);
    appendFileSync(`${directory}/app.log`, text);
    const { problems } = await bench.rotate({ method: 'copy-truncate', directory });
    expect(problems).toMatchObject([{ code: 'source-unsuitable', hint: expect.stringContaining('method rename') }]);
    expect(readdirSync(directory)).toEqual(['app.log']);
    expect(readFileSync(`${directory}/app.log`, 'utf8')).toBe(text);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('one run at a time rotates a directory; a directory that is not there is told', async () => {
  await using bench = await openBench();
  const other = await LogDirectory.open(bench.dir.path, ['*.log']);
  await expect(bench.rotate()).rejects.toMatchObject({ code: 'repository-locked' });
  other[Symbol.dispose]();
  await expect(bench.rotate({ directory: bench.dir.join('none') })).rejects.toMatchObject({ code: 'file-missing' });
  expect((await bench.rotate()).record.logs).toEqual([]);
});

test('a log that is a link to elsewhere, or has a name that is not UTF-8, is told', async () => {
  await using bench = await openBench();
  const { dir } = bench;
  writeFileSync(bench.log, 'one\n');
  mkdirSync(dir.join('elsewhere'));
  writeFileSync(dir.join('elsewhere/real'), 'x');
  symlinkSync('elsewhere/real', dir.join('linked.log'));
  symlinkSync('app.log', dir.join('current.log'));
  symlinkSync('/dev/null', dir.join('nothing.log'));
  writeFileSync(Buffer.concat([Buffer.from(dir.join('odd')), Buffer.from([0xff]), Buffer.from('.log')]), 'x');
  const result = await bench.rotate();
  expect(result.problems.map(({ code, detail }) => `${code}: ${String(detail['log'])}`).toSorted()).toEqual([
    'incomplete: linked.log',
    'incomplete: odd\ufffd.log',
  ]);
  expect(await content(bench, result)).toBe('one\n');
});

test('what others put into the directory under names like ours keeps no log from being stored', async () => {
  await using bench = await openBench();
  const { dir } = bench;
  const time = '20261122T141500.123Z';
  writeFileSync(bench.log, 'one\n');
  symlinkSync('/etc/passwd', dir.join(`app.log.${time}`));
  execFileSync(
    'mkfifo',
    [`b.log.${time}`, 'c.log', '.d.log.understudy-cut'].map((name) => dir.join(name)),
  );
  mkdirSync(dir.join(`e.log.${time}.gz`));
  mkdirSync(dir.join(`app.log.${time}-tmp-0123456789ab`));
  writeFileSync(dir.join('.f.log.understudy-cut'), 'no intent');
  const result = await bench.rotate({ afterRotate: 'true' });
  expect(result.problems.map(({ code, detail }) => `${code}: ${String(detail['log'])}`).toSorted()).toEqual([
    'file-io: d.log',
    'file-io: f.log',
  ]);
  expect(await content(bench, result)).toBe('one\n');
});
