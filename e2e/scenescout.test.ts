// needs PostgreSQL's client programs
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';

const root = resolve(import.meta.dirname, '..');
const example = join(root, 'examples/scenescout');
const until = '2026-11-22T10:42:00Z';

const understudy = `node ${join(root, 'src/main.ts')}`;
const withSecrets = 'set -a; . ./.env;';

let cluster: Cluster;
let directory: TempDir;
let app: string;

beforeAll(async () => {
  cluster = await createCluster();
  directory = await tempDir();
  setUp(cluster, directory.path);
  app = directory.join('app');
  succeed('bash', ['-c', `${withSecrets} ${understudy} init`]);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function setUp(server: Cluster, place: string): void {
  const words = [place, '--server', databaseUrl(server, 'postgres'), '--until', until, '--port', '0'];
  succeed('node', ['scripts/setup.mjs', ...words], { cwd: example });
}

function databaseUrl({ socketDirectory, port }: Cluster, database: string): string {
  return `postgresql://postgres@${encodeURIComponent(socketDirectory)}:${port}/${database}`;
}

interface Place {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a person types: nothing of this project's environment reaches it. */
function run(program: string, words: readonly string[], { cwd = app, environment = {} }: Place = {}) {
  const env = { PATH: `${root}/node_modules/.bin:${process.env['PATH']}`, HOME: directory.path, ...environment };
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, env, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

function succeed(program: string, words: readonly string[], place: Place = {}) {
  const outcome = run(program, words, place);
  expect(outcome, outcome.stdout + outcome.stderr).toMatchObject({ status: 0 });
  return outcome.stdout;
}

function backUp(...sources: string[]): string {
  return succeed('bash', ['-c', `${withSecrets} ${understudy} backup ${sources.join(' ')}`]);
}

/** A hash of the rows of each table, without the numbers of large objects: every server gives its own. */
async function hashes(of = cluster): Promise<unknown[]> {
  const tables = ['auth.users', 'users', 'venues', 'events', 'favourites', 'event_views', 'event_stats'];
  const queries = tables.map(
    (table) => `select '${table}' as name, count(*), md5(string_agg(row, ',' order by row)) as hash
      from (select (to_jsonb(t) - 'floor_plan')::text as row from ${table} as t) as rows`,
  );
  return query(`${queries.join(' union all ')} order by name`, 'scenescout', of);
}

async function query(text: string, database = 'scenescout', of = cluster): Promise<unknown[]> {
  await using client = await of.connect({ database, options: '-c timezone=UTC' });
  return (await client.query<Record<string, unknown>>(text)).rows;
}

test('the working copy is clean, both remotes have everything, secrets are private and not in git', () => {
  expect(succeed('git', ['status', '--porcelain'])).toBe('');
  const refs = succeed('git', ['show-ref', '--heads', '--tags']);
  for (const remote of ['origin', 'mirror']) {
    const bare = directory.join(`remotes/${remote}.git`);
    expect(succeed('git', ['--git-dir', bare, 'show-ref', '--heads', '--tags'])).toBe(refs);
  }
  expect(statSync(join(app, '.env')).mode & 0o777).toBe(0o600);
  expect(succeed('git', ['ls-files', '.env', 'node_modules'])).toBe('');
});

test('types, configuration, front end and its own tests pass, and the tests leave the data as it was', async () => {
  const before = await hashes();
  succeed('npm', ['run', 'typecheck']);
  expect(succeed('npm', ['run', 'lint:config'])).toContain('the configuration is sound');
  succeed('npm', ['run', 'build']);
  expect(readFileSync(join(app, 'dist/web/style.css'), 'utf8')).toContain('--color-brand: #');
  expect(succeed('npm', ['test'])).toMatch(/# fail 0|ℹ fail 0/);
  expect(await hashes()).toEqual(before);
});

test('the check of the configuration finds equal ports, an open table and a missing secret', () => {
  const environment = readFileSync(join(app, '.env'), 'utf8');
  succeed('sed', ['-i', 's/^port = 54322/port = 54321/', 'supabase/config.toml']);
  appendFileSync(join(app, 'supabase/migrations/20261008100000_analytics.sql'), 'create table public.open (id int);\n');
  writeFileSync(join(app, '.env'), environment.replace(/^INGEST_TOKEN=.*$/m, ''));
  const { status, stderr } = run('node', ['scripts/lint-config.mjs']);
  writeFileSync(join(app, '.env'), environment);
  succeed('git', ['checkout', '--quiet', 'supabase']);
  expect(stderr.trim().split('\n')).toEqual([
    'supabase/config.toml: two ports are the same',
    'supabase/migrations: public.open has no row level security',
    '.env: INGEST_TOKEN is missing or empty',
  ]);
  expect(status).toBe(1);
});

test('smoke and integrity pass, and integrity finds what was damaged', async () => {
  succeed('npm', ['run', 'smoke']);
  succeed('node', ['scripts/verify-data-integrity.js']);
  await query('update venues set event_count = event_count + 1 where id = 1');
  const damaged = run('node', ['scripts/verify-data-integrity.js', '--json']);
  await query('update venues set event_count = event_count - 1 where id = 1');
  expect(damaged.status).toBe(1);
  const { results } = JSON.parse(damaged.stdout) as { results: { check: string; verdict: string; found: unknown[] }[] };
  const failed = results.filter(({ verdict }) => verdict !== 'ok');
  expect(failed).toMatchObject([{ check: 'venues know how many events they have', found: [{ id: 1 }] }]);
});

test('the running application is healthy, goes on in new log files when they are rotated, and stops cleanly', async () => {
  const server = spawn('node', ['src/main.ts'], {
    cwd: app,
    env: { PATH: `${root}/node_modules/.bin:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const url = /http:\S+/.exec(line.toString())![0];
    expect(succeed('./scripts/app-health-check.mjs', ['--url', url])).toMatch(/ is (ok|degraded)/);
    expect(await (await fetch(url)).text()).toContain('<h1>SceneScout</h1>');
    const log = directory.join('logs/application.log');
    expect(readFileSync(log, 'utf8')).toContain('"url":"/health"');
    expect(backUp('logs')).toMatch(/^logs: snapshot .* rotated by rename/);
    await waitFor(() => readFileSync(log, 'utf8').includes('reopened'), { what: 'new log file' });
    expect(readFileSync(log, 'utf8')).not.toContain('"url":"/health"');
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  expect(server.exitCode).toBe(0);
  expect(existsSync(directory.join('scenescout.pid'))).toBe(false);
  const unreachable = run('./scripts/app-health-check.mjs', ['--url', 'http://127.0.0.1:9']);
  expect(unreachable).toMatchObject({ status: 1, stderr: expect.stringContaining('does not answer') });
});

test('on a copy that was restored without privileges its tests fail, and end', async () => {
  await cluster.sql('create database bare template scenescout');
  await query('revoke all on all tables in schema public from anon, authenticated, service_role', 'bare');
  const environment = { DATABASE_URL: databaseUrl(cluster, 'bare') };
  const { status, stdout } = run('npm', ['test'], { environment });
  expect(status, stdout).toBe(1);
  expect(stdout).toContain('✖ drafts are invisible, and nobody but the service writes events');
});

test('everything that its configuration names is backed up, by its script and by one command', () => {
  const named = succeed('bash', ['-c', 'exec scripts/backup-database.sh --name pre-migration'], {
    environment: { UNDERSTUDY: understudy },
  });
  expect(named).toMatch(/^database: snapshot [^]*^dump: snapshot [^]* in scenescout$/m);
  const rest = backUp('app', 'config', 'code');
  expect(rest.match(/^\w+: snapshot /gm)).toHaveLength(3);
  for (const remote of ['origin', 'mirror']) expect(rest).toMatch(new RegExp(`remote ${remote} .*: 2 branches equal`));
});

test('its database comes back from the dump on an empty, newer server: equal, sound, and good enough for its tests', async () => {
  backUp('dump');
  await using other = await createCluster({ major: 17 });
  const words = `restore database scenescout --source dump --host ${other.socketDirectory} --user postgres --with-globals`;
  expect(succeed('bash', ['-c', `${withSecrets} ${understudy} ${words}`])).toContain('scenescout');
  const environment = { DATABASE_URL: databaseUrl(other, 'scenescout') };
  succeed('node', ['scripts/verify-data-integrity.js'], { environment });
  succeed('npm', ['test'], { environment });
  expect(await hashes(other)).toEqual(await hashes(cluster));
});

test('it comes with the packages of ours that it is tested with', () => {
  const versions = (path: string) => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>;
    return { ...dependencies, ...devDependencies };
  };
  expect(versions(join(root, 'package.json'))).toMatchObject(versions(join(example, 'package.json')));
});

test.each([13, 18] as const)('the same options give the same data on PostgreSQL %i', async (major) => {
  await using other = await createCluster({ major });
  await using place = await tempDir();
  setUp(other, place.path);
  succeed('node', ['scripts/verify-data-integrity.js'], { cwd: place.join('app') });
  expect(await hashes(other)).toEqual(await hashes(cluster));
});
