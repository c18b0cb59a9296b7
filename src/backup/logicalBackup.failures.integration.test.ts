// needs PostgreSQL's client programs
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { Secret } from '../base/secret.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { waitFor } from '../testing/waitFor.ts';
import type { DumpFilters } from './dumpRecord.ts';
import { dumpBench, everything, meddlingPrograms } from '../testing/dumpBench.ts';

const filters = { ...everything, databases: ['postgres'] };

async function fill(cluster: Cluster): Promise<void> {
  await cluster.sql(`
    create table large as select g as id, repeat(md5(g::text), 20) as text from generate_series(1, 20000) g;
    create table small as select 1 as id; create table other as select 2 as id`);
}

/** Sessions of the backup that the server still has. */
async function sessions(cluster: Cluster): Promise<number> {
  const rows = await cluster.sql<{ pid: number }>(
    `select pid from pg_stat_activity where application_name in ('understudy', 'pg_dump')`,
  );
  return rows.length;
}

test('a pg_dump that dies in the middle of a table leaves no snapshot', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  const programs = await meddlingPrograms(
    bench.path('programs'),
    `case "$*" in *'"large"'*) "$REAL" "$@" | head -c 500000; kill -9 $$;; esac`,
  );
  await expect(bench.backup({ filters, programDirectories: [programs] })).rejects.toMatchObject({
    code: 'program-failed',
    message: 'pg_dump was ended by SIGKILL',
  });
  expect(await bench.snapshots()).toEqual([]);
  await waitFor(async () => (await sessions(cluster)) === 0, { what: 'end of the sessions' });
  await bench.backup({ filters });
  expect(await bench.snapshots()).toHaveLength(1);
});

test('a right that is taken away half-way fails the dump with the words of pg_dump', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  await cluster.sql('create role reader login; grant select on all tables in schema public to reader');
  const revoke = `psql -X -q -h ${cluster.socketDirectory} -U postgres -d postgres -c 'revoke select on other from reader'`;
  const programs = await meddlingPrograms(
    bench.path('programs'),
    `case "$*" in *'"other"'*) env -u PGUSER /usr/lib/postgresql/15/bin/${revoke};; esac`,
  );
  const connection = { ...cluster.connection, user: 'reader' };
  const globals = 'without-passwords';
  await expect(bench.backup({ connection, filters, globals, programDirectories: [programs] })).rejects.toMatchObject({
    code: 'program-failed',
    message: expect.stringMatching(/^pg_dump failed with exit status 1: .*permission denied for table other/),
  });
  expect(await bench.snapshots()).toEqual([]);
});

test('stopping ends every pg_dump and session, and leaves no snapshot', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  const stop = new AbortController();
  const progress = { ...silentProgress, advance: () => stop.abort(new Error('stopped by the test')) };
  const backup = bench.backup({ filters, globals: 'none', jobs: 4, progress }, createContext({ signal: stop.signal }));
  await expect(backup).rejects.toThrow('stopped by the test');
  expect(await bench.snapshots()).toEqual([]);
  await waitFor(async () => (await sessions(cluster)) === 0, { what: 'end of the sessions' });
});

test('the password is in the environment of the programs and on no command line', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql('create table t (id int)');
  const seen = bench.path('seen');
  const programs = await meddlingPrograms(
    bench.path('programs'),
    `tr '\\0' ' ' < /proc/$$/cmdline >> ${seen}; echo " password $PGPASSWORD" | tr a-z A-Z >> ${seen}`,
  );
  const connection = { ...cluster.connection, password: new Secret('planted-marker') };
  await bench.backup({ connection, jobs: 1, programDirectories: [programs] });
  const log = await readFile(seen, 'utf8');
  expect(log).toContain('PASSWORD PLANTED-MARKER');
  expect(log).toMatch(/pg_dump .*--snapshot=.*\n.*--snapshot=/);
  expect(log).not.toContain('planted-marker');
});

test('a server newer than every pg_dump is refused, naming what to install', async () => {
  await using cluster = await createCluster({ major: 18 });
  await using bench = await dumpBench(cluster);
  await expect(bench.backup()).rejects.toMatchObject({
    code: 'program-missing',
    message: 'pg_dump of PostgreSQL 18 is not installed',
    hint: expect.stringMatching(/found only older ones: 15\..*apt-get install postgresql-client-18/),
  });
  expect(await bench.snapshots()).toEqual([]);
});

test('databases and patterns that are not there are errors, not empty dumps', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  const attempt = (parts: Partial<DumpFilters>) => bench.backup({ filters: { ...everything, ...parts } });
  await expect(attempt({ databases: ['shop'] })).rejects.toMatchObject({
    code: 'not-found',
    message: 'the server has no database shop',
  });
  await expect(attempt({ tables: ['small', 'evnts'] })).rejects.toMatchObject({
    code: 'not-found',
    message: 'nothing matches evnts',
  });
  await expect(attempt({ tables: ['a.b.c'] })).rejects.toMatchObject({ code: 'config-invalid' });
  await expect(attempt({ schemas: ['a.b'] })).rejects.toMatchObject({ code: 'config-invalid' });
  expect(await bench.snapshots()).toEqual([]);
});

test('a change of a table that waits for the dump ends the dump at once, not both for ever', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  const sql = `/usr/lib/postgresql/15/bin/psql -X -q -h ${cluster.socketDirectory} -U postgres -d postgres`;
  const programs = await meddlingPrograms(
    bench.path('programs'),
    `case "$*" in *'"large"'*)
       env -u PGUSER ${sql} -c 'alter table large add column late int' > /dev/null 2>&1 &
       until ${sql} -At -c "select count(*) from pg_locks where not granted" | grep -q 1; do :; done;; esac`,
  );
  await expect(bench.backup({ filters, programDirectories: [programs] })).rejects.toMatchObject({
    code: 'backup-aborted',
    message: expect.stringContaining('postgres'),
    hint: expect.stringContaining('run it again'),
  });
  expect(await bench.snapshots()).toEqual([]);
  await waitFor(async () => (await cluster.sql(`select from pg_attribute where attname = 'late'`)).length === 1, {
    what: 'the change of the table',
  });
});

test('a table that is rewritten while its lock is waited for is dumped with its rows, in a new snapshot', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await fill(cluster);
  await using changing = await cluster.connect();
  await changing.query('begin; alter table large alter id type bigint');
  const backup = bench.backup({ filters });
  backup.catch(() => undefined);
  await waitFor(async () => (await cluster.sql('select from pg_locks where not granted')).length > 0, {
    what: 'the dump to wait',
  });
  await changing.query('commit');
  const { record } = await backup;
  const large = record.databases[0]?.tables.find(({ name }) => name === 'large');
  expect(large).toMatchObject({ rows: 20_000, dataDumped: true });
});
