import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { loadPosix } from '../base/posix.ts';
import { silentProgress } from '../base/progress.ts';
import { backupLogs } from '../backup/logsBackup.ts';
import { backUpFiles } from '../testing/filesBackups.ts';
import { benchPassword, ProofBench } from '../testing/proofBench.ts';
import type { Assertion } from './application/assertion.ts';
import { damageLargestPack } from './fixture/damage.ts';
import { failed, problemsOf, proveWith } from './fixture/prove.ts';
import { tamper } from './fixture/tamper.ts';
import type { Proof } from './proof.ts';

/** An application: modes, links, an attribute, secrets that others can read. */
function makeApplication(bench: ProofBench): string {
  const app = bench.directory.join('srv/app');
  mkdirSync(`${app}/conf`, { recursive: true });
  writeFileSync(`${app}/server.js`, randomBytes(300_000), { mode: 0o755 });
  writeFileSync(`${app}/conf/app.toml`, 'port = 80\n');
  writeFileSync(`${app}/.env`, 'KEY=1\n', { mode: 0o644 });
  chmodSync(`${app}/.env`, 0o644);
  symlinkSync('../conf/app.toml', `${app}/conf/link`);
  linkSync(`${app}/server.js`, `${app}/other-name.js`);
  loadPosix()?.setXattr(Buffer.from(`${app}/conf`), Buffer.from('user.note'), Buffer.from('kept'));
  return app;
}

async function backUpApplication(bench: ProofBench, more: readonly string[] = []): Promise<void> {
  const app = makeApplication(bench);
  await backUpFiles(await bench.openRepository(), { paths: [app, ...more], secrets: ['.env'] });
}

interface AnyRecord {
  readonly files: { total: number };
  readonly paths: string[];
  readonly secrets: { readonly files: { first: string[] } };
  readonly logs: { pieces: number }[];
  readonly added: { name: string; sizeBytes: number }[];
  sizeBytes: number;
}

function editRecord(change: (record: AnyRecord) => unknown): (content: Buffer) => Buffer {
  return (content) => {
    const record = JSON.parse(content.toString()) as AnyRecord;
    change(record);
    return Buffer.from(JSON.stringify(record));
  };
}

const timeoutMs = 20_000;
const starts: Assertion = {
  kind: 'command',
  name: 'it starts',
  command: 'grep -q KEY .env && [ "$(stat -c %a .env)" = 600 ] && cat conf/link && ! cat broken',
  timeoutMs,
};

function checkNames(proof: Proof): string[] {
  return proof.checks.map(({ level, name }) => `${level} ${name}`);
}

test('files are restored, compared with the snapshot, and tried by commands; nothing stays', async () => {
  await using bench = await ProofBench.open();
  await backUpApplication(bench);
  const { proof } = await proveWith(bench, { threads: 0, level: undefined, assertionsOf: () => [starts] });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'passed', level: 5, notReached: [], recovery: null, tables: [] });
  expect(proof.snapshot).toMatchObject({ kind: 'files', source: 'app' });
  expect(checkNames(proof)).toEqual([
    '1 structure',
    '1 contents',
    '2 data',
    '3 record',
    '3 plan of a restore',
    '4 directory',
    '4 restored files',
    '4 content',
    '4 attributes',
    '5 it starts',
  ]);
  expect(proof.phases.map(({ name }) => name)).toEqual(['restore', 'checks']);
  expect(proof.recoveryMs).toBe(proof.phases[0]?.durationMs);
  expect(bench.sandboxes()).toEqual([]);

  const { kept } = await proveWith(bench, { threads: 0, level: 4, keepSandbox: true });
  expect(readFileSync(`${kept}/restored/conf/app.toml`, 'utf8')).toBe('port = 80\n');
});

test('what is missing is a warning; what the application says is a failure', async () => {
  await using bench = await ProofBench.open();
  await backUpApplication(bench, ['/nowhere/at-all']);
  const broken: Assertion = { ...starts, name: 'broken', command: 'cat broken' };
  const { proof } = await proveWith(bench, { threads: 0, level: 5, assertionsOf: () => [broken] });
  expect(proof.verdict).toBe('failed');
  expect(proof.checks.find(({ name }) => name === 'contents')).toMatchObject({
    status: 'warning',
    detail: ['/nowhere/at-all: it was not there'],
  });
  expect(failed(proof)).toMatchObject([{ name: 'broken', level: 5, actual: 'exit status 1' }]);
});

test('a damaged pack is found when the data are read, and nothing is restored', async () => {
  await using bench = await ProofBench.open();
  await backUpApplication(bench);
  damageLargestPack(bench.repositoryPath);
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(proof.verdict).toBe('failed');
  expect(failed(proof).map(({ name }) => name)).toContain('data');
  expect(proof.notReached).toContain('restored files');
});

test('a record that does not agree with the files is found', async () => {
  await using bench = await ProofBench.open();
  await backUpApplication(bench);
  const expected: [(record: AnyRecord) => unknown, RegExp][] = [
    [({ files }) => (files.total += 1), /^files: the record says 5, the snapshot holds 4$/],
    [(record) => (record.sizeBytes -= 1), /^bytes: /],
    [({ paths }) => paths.push('/lost'), /^\/lost: the record lists it/],
    [
      ({ secrets }) => (secrets.files.first = secrets.files.first.map((path) => path.replace('.env', 'server.js'))),
      /server\.js: a file with secrets, and a restore would let others read it$/,
    ],
  ];
  for (const [change] of expected) await tamper(bench, 'app/understudy.json', editRecord(change));
  const { proof } = await proveWith(bench, { threads: 0, level: 4 });
  expect(failed(proof)).toMatchObject([{ name: 'record', level: 3 }]);
  for (const [, line] of expected) {
    expect(failed(proof)[0]?.detail).toContainEqual(expect.stringMatching(line));
  }
  expect(proof.notReached).toEqual(['directory', 'restored files', 'content', 'attributes']);

  await tamper(bench, 'app/understudy.json', () => Buffer.from('{}'));
  const none = await proveWith(bench, { threads: 0, level: 4 });
  expect(failed(none.proof)).toMatchObject([{ name: 'contents', level: 1 }]);
});

test('what a killed verification left is private, and the next one removes it', async () => {
  await using bench = await ProofBench.open();
  await backUpApplication(bench);
  const { path: scratch } = bench.directory;
  const program = join(import.meta.dirname, 'fixture/verifyProcess.ts');
  const args = [program, bench.repositoryPath, scratch, benchPassword, 'comparing what was restored'];
  expect(spawnSync(process.execPath, args)).toMatchObject({ signal: 'SIGKILL' });
  const [left] = bench.sandboxes();
  expect(left).toMatch(/^understudy-scratch-/);
  expect(statSync(bench.directory.join(left!)).mode & 0o777).toBe(0o700);
  expect(readFileSync(bench.directory.join(left!, 'restored/.env'), 'utf8')).toBe('KEY=1\n');
  expect((await proveWith(bench, { threads: 0, level: 4 })).proof.verdict).toBe('passed');
  expect(bench.sandboxes()).toEqual([]);
});

test('logs: every piece is there and comes back; one that is lost or unknown is found', async () => {
  await using bench = await ProofBench.open();
  const directory = bench.directory.join('logs');
  mkdirSync(directory);
  const rotate = async (): Promise<void> => {
    writeFileSync(`${directory}/app.log`, `a line of ${Date.now()}\n`.repeat(100));
    await backupLogs(createContext(), await bench.openRepository(), {
      source: 'app',
      directory,
      files: ['*.log'],
      method: 'rename',
      keepLocalMs: 0,
      keepMs: 86_400_000,
      quietTimeoutMs: 100,
      threads: 0,
      progress: silentProgress,
    });
  };
  await rotate();
  await rotate();
  const whole: Assertion = { ...starts, name: 'all lines', command: '[ "$(cat app.log.* | wc -l)" = 200 ]' };
  const { proof } = await proveWith(bench, { threads: 0, level: 5, assertionsOf: () => [whole] });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'passed', snapshot: { kind: 'logs' } });
  expect(proof.checks.find(({ name }) => name === 'contents')?.actual).toMatch(/^2 pieces, .* of app\.log$/);

  await tamper(
    bench,
    'app/understudy.json',
    editRecord(({ logs: [log], added }) => {
      log!.pieces = 3;
      added.push({ name: 'app.log.20200101T000000.000Z', sizeBytes: 7 });
    }),
  );
  const { proof: bad } = await proveWith(bench, { threads: 0, level: 4 });
  expect(failed(bad)).toMatchObject([
    {
      name: 'record',
      detail: [
        expect.stringMatching(/^app\.log: the record says 3 pieces .* the snapshot holds 2 pieces/),
        expect.stringMatching(/^app\.log\.20200101T000000\.000Z: the record says that 7 bytes/),
      ],
    },
  ]);
});
