// needs PostgreSQL's client programs
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dumpBench, everything, pgProgram, schemaText, type DumpBench } from '../../testing/dumpBench.ts';
import { tableHashes } from '../../testing/tableHashes.ts';
import { createCluster, type Cluster } from '../../testing/postgresServer.ts';
import { passwordText } from '../../testing/repositories.ts';
import { createRichDatabase } from '../../testing/richDatabase.ts';

const program = join(import.meta.dirname, '../../main.ts');
const rich = 'scenescout';
let cluster: Cluster;
let bench: DumpBench;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Its owner may fill it as a member of another role, and because no row is hidden from it. */
const viewOfAnotherRole = `
  create role readers;
  create role statistician bypassrls in role readers;
  create table guarded as select 1 as id;
  alter table guarded enable row level security;
  grant select on guarded to readers;
  create materialized view counted as select count(*) from guarded;
  grant create on schema public to statistician;
  alter materialized view counted owner to statistician`;

beforeAll(async () => {
  cluster = await createCluster();
  bench = await dumpBench(cluster);
  await createRichDatabase(cluster);
  await cluster.sql('create role administrator superuser');
  await using client = await cluster.connect({ database: rich });
  await client.query('alter event trigger watch_ddl owner to administrator');
  await client.query(viewOfAnotherRole);
  for (const layout of ['parts', 'single'] as const) {
    await bench.backup({ layout, source: layout, filters: { ...everything, databases: [rich] } });
  }
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

function understudy(...words: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    UNDERSTUDY_REPOSITORY: bench.path('repository'),
    UNDERSTUDY_PASSWORD: passwordText,
    PGHOST: cluster.socketDirectory,
    PGUSER: 'postgres',
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], { env, cwd: '/' }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

test('restore database says what it would do, and does it', async () => {
  const words = ['restore', 'database', rich, '--source', 'parts', '--into', 'copy'];
  const planned = await understudy(...words, '--dry-run');
  expect(planned).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Would restore:\n.*\n.*\n.*as copy: /) });
  expect(await cluster.sql(`select from pg_database where datname ~ 'copy'`)).toEqual([]);
  const done = await understudy(...words, '--json', '--jobs', '2');
  expect(lastLine(done.stdout)).toMatchObject({
    message_type: 'restored',
    databases: [{ from: rich, name: 'copy', action: 'create' }],
  });
  expect(await tableHashes(cluster, 'copy')).toEqual(await tableHashes(cluster, rich));
  const again = await understudy(...words);
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('database "copy" is not empty') });
  const several = await understudy('restore', 'database');
  expect(several).toMatchObject({ status: 2, stderr: expect.stringContaining('--source: ') });
});

test('restore table brings one back beside the live one', async () => {
  const words = ['restore', 'table', 'auth.users', '--source', 'parts', '--into', rich, '--as', 'old_users'];
  const planned = await understudy(...words, '--dry-run');
  expect(planned).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('auth.users -> scenescout: as auth.old'),
  });
  const done = await understudy(...words);
  expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining('auth.users: 300 rows, as auth.old_users') });
  expect(await understudy('restore', 'table', 'x')).toMatchObject({ status: 2 });
  const nothing = await understudy('restore', 'table', 'x', '--into', rich, '--at', '2026-01-01 00:00:00Z');
  expect(nothing).toMatchObject({ status: 1, stderr: expect.stringContaining('no physical backup') });
  await using client = await cluster.connect({ database: rich });
  await client.query('drop table auth.old_users');
});

test.each(['parts', 'single'])('export writes one archive that stock pg_restore takes (%s)', async (source) => {
  const file = bench.path(`${source}.dump`);
  const done = await understudy('export', 'latest', file, '--source', source, '--scratch', cluster.directory);
  expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining('pg_restore takes it') });
  await cluster.sql(`create database "from ${source}" template template0`);
  await pgProgram(cluster, 'pg_restore', ['--exit-on-error', '-d', `from ${source}`, file]);
  expect(await tableHashes(cluster, `from ${source}`)).toEqual(await tableHashes(cluster, rich));
  expect(await schemaText(cluster, `from ${source}`)).toBe(await schemaText(cluster, rich));
  expect(readdirSync(cluster.directory).filter((name) => name.includes('understudy'))).toEqual([]);
  const again = await understudy('export', 'latest', file, '--source', source);
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('exists already') });
});

test('what a right was missing for when it was dumped is told when it is restored', async () => {
  await cluster.sql('create role blind login');
  await cluster.sql('create database half');
  {
    await using client = await cluster.connect({ database: 'half' });
    await client.query('create table open as select 1 as id; create table closed (); grant select on open to blind');
  }
  const connection = { ...cluster.connection, user: 'blind' };
  const filters = { ...everything, databases: ['half'] };
  await bench.backup({ connection, filters, globals: 'without-passwords', source: 'half' });
  const words = ['restore', 'database', '--source', 'half'];
  const done = await understudy(...words, '--into', 'rest');
  expect(done).toMatchObject({
    status: 3,
    stdout: expect.stringContaining('Restored in'),
    stderr: expect.stringContaining('not in the dump of half: table public.closed: the role lacks SELECT on it'),
  });
  expect(Object.keys(await tableHashes(cluster, 'rest'))).toEqual(['public.open']);
  const replacing = await understudy(...words, '--clean');
  expect(replacing).toMatchObject({ status: 1, stderr: expect.stringContaining('does not hold all') });
  expect(Object.keys(await tableHashes(cluster, 'half'))).toEqual(['public.closed', 'public.open']);
});
