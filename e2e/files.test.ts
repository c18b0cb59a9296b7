import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createOddFiles } from '../src/snapshot/fixture/oddFiles.ts';
import { needs, rootOnly } from '../src/testing/needs.ts';
import { describeDirectory, fillDirectory } from '../src/testing/ordinaryDirectory.ts';
import { restic } from '../src/testing/restic.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 120_000 });

const configuration = `
sources:
  odd: { kind: files, paths: [odd] }
  app:
    kind: files
    paths: [app]
    exclude: [node_modules, logs, .git, backups]
    secrets: [.env, '*.pem']
  config:
    kind: files
    paths: [app/.env, app/supabase/config.toml, app/package.json]
    optionalPaths: [app/vite.config.ts]
`;

let dir: TempDir;

beforeAll(async () => {
  dir = await tempDir();
  await makeRepository(dir.join('repository'));
  writeFileSync(dir.join('understudy.yaml'), configuration);
});
afterAll(() => dir[Symbol.asyncDispose]());

function understudy(...words: readonly string[]): Promise<Outcome> {
  return runProgram(words, { cwd: dir.path, environment: repositoryEnvironment(dir.join('repository')) });
}

async function succeeded(...words: readonly string[]): Promise<Outcome> {
  const outcome = await understudy(...words);
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  return outcome;
}

async function lastObject(...words: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await succeeded(...words, '--json');
  return jsonLines(stdout).pop() ?? {};
}

/** Everything that a directory can hold: what an ordinary one has, odd names and modes, loops, holes. */
function createOddities(path: string, root: boolean): void {
  mkdirSync(path);
  fillDirectory(`${path}/ordinary`);
  mkdirSync(`${path}/odd`);
  createOddFiles(`${path}/odd`, root);
  symlinkSync('loop', `${path}/loop`);
  mkdirSync(`${path}/${'deep/'.repeat(40)}`, { recursive: true });
  execFileSync('dd', ['if=/dev/urandom', `of=${path}/holes`, 'bs=64K', 'count=1', 'seek=100'], { stdio: 'ignore' });
  truncateSync(`${path}/holes`, 20 * 1024 * 1024);
}

describe('a tree with everything odd', () => {
  test('is backed up and restored identical', async () => {
    createOddities(dir.join('odd'), process.getuid?.() === 0);
    const backup = await lastObject('backup', 'odd');
    expect(backup['record']).toMatchObject({ outcome: 'complete', changed: { count: 0 } });
    await succeeded('restore', 'files', 'latest', '--source', 'odd', '--target-dir', dir.join('out'), '--verify');
    expect(describeDirectory(dir.join('out'))).toEqual(describeDirectory(dir.join('odd')));
    // a hole that is smaller than a chunk is filled
    expect(lstatSync(dir.join('out/holes')).blocks * 512).toBeLessThan(4 * 1024 * 1024);
    expect(lstatSync(dir.join('out/ordinary/sparse')).blocks).toBe(0);
  });

  test('comes back in place by delta: only what differs is fetched', async () => {
    const odd = dir.join('odd');
    const intact = describeDirectory(odd);
    appendFileSync(`${odd}/ordinary/a directory/text`, 'more');
    rmSync(`${odd}/ordinary/small`);
    rmSync(`${odd}/ordinary/link`);
    chmodSync(`${odd}/odd/setuid`, 0o600);
    execFileSync('touch', [`${odd}/odd/tmp`]);
    writeFileSync(`${odd}/surplus`, 'not in the snapshot');
    const refused = await understudy('restore', 'files', 'latest', '--source', 'odd', '--in-place');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('not empty') });
    const restored = await lastObject(
      'restore',
      'files',
      'latest',
      '--source',
      'odd',
      '--in-place',
      '--delta',
      '--verify',
    );
    expect(restored).toMatchObject({ message_type: 'restored', verified: true });
    // the lost file, and a file with several names, which is made anew
    expect(restored['bytes_fetched']).toBeLessThan(5 + 9_000_000 + 24 + 1024);
    expect(readFileSync(`${odd}/surplus`, 'utf8')).toBe('not in the snapshot');
    rmSync(`${odd}/surplus`);
    execFileSync('touch', ['-r', dir.join('out'), odd]);
    expect(describeDirectory(odd)).toEqual(intact);
  });

  needs('restic')('is restored identical by stock restic', async () => {
    const stock = restic(dir.join('repository'), password);
    await stock.run('check', '--read-data');
    await stock.run('restore', 'latest', '--tag', 'source:odd', '--target', dir.join('stock'));
    expect(describeDirectory(dir.join('stock/odd/files', dir.join('odd')))).toEqual(describeDirectory(dir.join('odd')));
  });
});

function createApplication(): void {
  const files = {
    '.env': 'SECRET=1',
    'package.json': '{}',
    'server.pem': 'key',
    'src/main.ts': 'main',
    'supabase/config.toml': 'toml',
    'logs/a.log': 'log',
    'node_modules/x/index.js': 'x',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dir.join('app', name, '..'), { recursive: true });
    writeFileSync(dir.join('app', name), content, { mode: 0o644 });
  }
}

describe('an application and its configuration', () => {
  beforeAll(() => createApplication());

  test('secrets come back readable by their owner alone, and the backup tells who can read them now', async () => {
    const backup = await succeeded('backup', 'app', 'config');
    expect(backup.stderr).toContain(`others can read the secrets in ${dir.join('app/.env')} (mode 0644)`);
    expect(backup.stdout).toContain(`not there, and optional: ${dir.join('app/vite.config.ts')}`);
    await succeeded('restore', 'files', 'latest', '--source', 'app', '--target-dir', dir.join('copy'));
    expect(readdirSync(dir.join('copy'))).toEqual(['.env', 'package.json', 'server.pem', 'src', 'supabase']);
    const modes = ['.env', 'server.pem', 'package.json'].map((name) => statSync(dir.join('copy', name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o644]);
  });

  test('doctor looks at the paths, and at no server when none is configured', async () => {
    const findings = jsonLines((await understudy('doctor', 'app', 'config', '--json')).stdout);
    const paths = findings.filter(({ check }) => String(check).endsWith(': paths'));
    expect(paths.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['app: paths', 'ok'],
      ['config: paths', 'ok'],
    ]);
    expect(findings.filter(({ check }) => String(check).includes('server'))).toEqual([]);
  });

  test('by pattern, and what would be done without doing it', async () => {
    const target = dir.join('some');
    const copy = ['restore', 'files', 'latest', '--source', 'app', '--target-dir', target];
    const restore = [...copy, '--path', '*.ts'];
    const plan = await lastObject(...restore, '--dry-run');
    expect(plan).toMatchObject({ message_type: 'plan', files: 1, replaced: [] });
    expect(existsSync(target)).toBe(false);
    await succeeded(...restore, '--path', dir.join('app/supabase'));
    expect(readdirSync(target, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
      'src',
      'src/main.ts',
      'supabase',
      'supabase/config.toml',
    ]);
    const none = await understudy(...copy, '--path', '*.none', '--delta', '--json');
    expect(JSON.parse(none.stderr)).toMatchObject({ code: 'not-found' });
    const both = await understudy(...restore, '--in-place', '--json');
    expect(JSON.parse(both.stderr)).toMatchObject({ code: 'usage' });
  });

  test('a list in its place: the directory around it keeps its mode, --force replaces', async () => {
    chmodSync(dir.join('app'), 0o711);
    writeFileSync(dir.join('app/package.json'), 'broken');
    await succeeded('restore', 'files', 'latest', '--source', 'config', '--in-place', '--force');
    expect(readFileSync(dir.join('app/package.json'), 'utf8')).toBe('{}');
    expect(statSync(dir.join('app')).mode & 0o777).toBe(0o711);
  });

  test('diff tells what the last backup brought', async () => {
    writeFileSync(dir.join('app/src/new.ts'), 'new');
    rmSync(dir.join('app/server.pem'));
    appendFileSync(dir.join('app/package.json'), '\n');
    chmodSync(dir.join('app/src/main.ts'), 0o755);
    await succeeded('backup', 'app');
    const { stdout } = await succeeded('diff', 'latest~1', 'latest', '--source', 'app');
    expect(stdout.trim().split('\n').slice(1)).toEqual([
      `U ${dir.join('app')}/  mode 0755 -> 0711`,
      `M ${dir.join('app/package.json')}  2 B -> 3 B`,
      `- ${dir.join('app/server.pem')}  3 B`,
      `U ${dir.join('app/src/main.ts')}  mode 0644 -> 0755`,
      `+ ${dir.join('app/src/new.ts')}  3 B`,
      '1 entry added (3 B), 1 entry removed (3 B), 1 entry changed (2 B -> 3 B), 2 entries with other attributes only',
    ]);
    const some = await understudy('diff', 'latest~1', 'latest', '--source', 'app', '--path', 'src', '--json');
    expect(jsonLines(some.stdout).map(({ path, modifier }) => [path, modifier])).toEqual([
      [dir.join('app/src/main.ts'), 'U'],
      [dir.join('app/src/new.ts'), '+'],
      [undefined, undefined],
    ]);
  });

  test('a listed file that is missing: the rest is backed up, status 3', async () => {
    rmSync(dir.join('app/package.json'));
    const doctor = await understudy('doctor', 'config');
    expect(doctor).toMatchObject({ status: 1, stdout: expect.stringContaining('app/package.json is not there') });
    const backup = await understudy('backup', 'config', '--json');
    expect(backup.status).toBe(3);
    expect(jsonLines(backup.stderr).at(-1)).toMatchObject({ code: 'incomplete' });
    expect(jsonLines(backup.stdout).at(-1)).toMatchObject({
      record: { outcome: 'incomplete', missing: [dir.join('app/package.json')], files: { total: 2 } },
    });
  });

  test('a file that is written to all the time: told, status 3', async () => {
    writeFileSync(dir.join('app/busy'), Buffer.alloc(16 * 1024 * 1024, 'line\n'));
    const writer = spawn('sh', ['-c', 'while :; do echo another line; done >> busy'], { cwd: dir.join('app') });
    try {
      await waitFor(() => statSync(dir.join('app/busy')).size > 16 * 1024 * 1024, { what: 'the writer writes' });
      const backup = await understudy('backup', 'app', '--json');
      expect(backup.status).toBe(3);
      expect(jsonLines(backup.stderr).at(-1)).toMatchObject({ code: 'source-changed' });
      expect(jsonLines(backup.stdout).at(-1)).toMatchObject({
        record: { outcome: 'complete', changed: { count: 1, first: [dir.join('app/busy')] } },
      });
    } finally {
      const ended = once(writer, 'exit');
      writer.kill();
      await ended;
    }
  });
});

rootOnly('an ordinary user: identical but for devices, and a file that may not be read is told', async () => {
  await using home = await tempDir({ owner: 'server' });
  await makeRepository(home.join('repository'));
  writeFileSync(home.join('understudy.yaml'), configuration);
  createOddities(home.join('odd'), false);
  for (const name of ['null', 'disk']) rmSync(home.join('odd/ordinary', name));
  const user = serverUser()!;
  execFileSync('chown', ['-R', '-h', `${user.uid}:${user.gid}`, home.path]);
  chmodSync(home.join('odd/odd/setuid'), 0o4755);
  const run = async (...words: readonly string[]) =>
    runProgram(words, { user, cwd: home.path, environment: repositoryEnvironment(home.join('repository')) });
  expect(await run('backup', 'odd')).toMatchObject({ status: 0 });
  const restored = await run('restore', 'files', 'latest', '--target-dir', home.join('out'));
  expect(restored).toMatchObject({ status: 0, stdout: expect.stringContaining('only root restores owners') });
  expect(describeDirectory(home.join('out'))).toEqual(describeDirectory(home.join('odd')));

  execFileSync('mknod', [home.join('odd/device'), 'c', '1', '3']);
  expect(await run('backup', 'odd')).toMatchObject({ status: 0 });
  const lacking = await run('restore', 'files', 'latest', '--target-dir', home.join('lacking'), '--json');
  expect(lacking.status).toBe(1);
  expect(jsonLines(lacking.stderr).at(-1)).toMatchObject({ code: 'restore-incomplete' });
  expect(readdirSync(home.join('lacking'))).toEqual(readdirSync(home.join('out')));
  rmSync(home.join('odd/device'));

  writeFileSync(home.join('odd/foreign'), 'of root', { mode: 0o600 });
  const backup = await run('backup', 'odd', '--json');
  expect(backup.status).toBe(3);
  expect(jsonLines(backup.stderr).at(-1)).toMatchObject({ code: 'incomplete' });
  expect(jsonLines(backup.stdout).at(-1)).toMatchObject({
    record: {
      outcome: 'incomplete',
      unreadable: { count: 1, first: [{ path: home.join('odd/foreign'), error: 'EACCES' }] },
    },
  });
});

needs('restic')('a dry run tells what the repository lacks, status 1', async () => {
  await using home = await tempDir();
  await makeRepository(home.join('repository'));
  writeFileSync(home.join('understudy.yaml'), 'sources: { big: { kind: files, paths: [big] } }\n');
  writeFileSync(home.join('big'), randomBytes(1024 * 1024));
  const run = async (...words: readonly string[]) =>
    runProgram(words, { cwd: home.path, environment: repositoryEnvironment(home.join('repository')) });
  expect(await run('backup')).toMatchObject({ status: 0 });
  const data = home.join('repository/data');
  const packs = readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => `${data}/${name}`);
  rmSync(packs.find((path) => statSync(path).isFile() && statSync(path).size > 1024 * 1024)!);
  await restic(home.join('repository'), password).run('rebuild-index');
  const from = `latest:/big/files${home.join('big')}`;
  const planned = await run('restore', 'files', from, '--target-dir', home.join('out'), '--dry-run', '--json');
  expect(planned.status, planned.stderr).toBe(1);
  expect(jsonLines(planned.stderr).at(-1)).toMatchObject({ code: 'restore-incomplete' });
  expect(existsSync(home.join('out'))).toBe(false);
});
