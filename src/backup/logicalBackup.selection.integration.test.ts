// needs PostgreSQL's client programs
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from '../testing/needs.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import type { DumpFilters } from './dumpRecord.ts';
import { archivesIn, contentsOf, dumpBench, everything, loadParts, pgProgram } from '../testing/dumpBench.ts';

const withRestic = needs('restic');

const words: Readonly<Record<keyof DumpFilters, string>> = {
  databases: '',
  schemas: '--schema',
  excludeSchemas: '--exclude-schema',
  tables: '--table',
  excludeTables: '--exclude-table',
  excludeTableData: '--exclude-table-data',
};

withRestic('filters mean what they mean to pg_dump', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await createRichDatabase(cluster);
  const choices: Partial<DumpFilters>[] = [
    {
      tables: ['events', 'auth.*', '"SELECT"', 'Mea*_202?', '"Odd ""schema"" ü.%/".*', 'far_away', 'free_sequence'],
      excludeTableData: ['auth.users'],
    },
    {
      schemas: ['a*', 'pub?ic'],
      excludeSchemas: ['AUTH'],
      excludeTables: ['events_*', 'measurements_2025', 'venues_id_seq'],
    },
    { excludeSchemas: ['"Odd"*'], excludeTables: ['accounts', 'child'], excludeTableData: ['*'] },
  ];
  for (const [at, choice] of choices.entries()) {
    const args = Object.entries(choice).flatMap(([name, patterns]) =>
      patterns.map((pattern) => `${words[name as keyof DumpFilters]}=${pattern}`),
    );
    const whole = bench.path(`${at}.dump`);
    await pgProgram(cluster, 'pg_dump', ['-Fc', '-d', 'scenescout', '-f', whole, ...args]);
    for (const layout of at === 0 ? (['parts', 'single'] as const) : (['parts'] as const)) {
      const filters = { ...everything, databases: ['scenescout'], ...choice };
      const directory = join(
        await bench.restored(await bench.backup({ layout, filters, globals: 'none' })),
        'scenescout',
      );
      const parts = await Promise.all((await archivesIn(directory)).map((path) => contentsOf(join(directory, path))));
      expect(parts.flat().toSorted(), JSON.stringify([layout, choice])).toEqual(await contentsOf(whole));
    }
  }
});

withRestic('a role without all rights dumps what it may, and the record says what is lacking', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql(`create role backup login`);
  await cluster.sql(`create database closed`);
  await cluster.sql(`revoke connect on database closed from public`);
  await cluster.sql(`
    create table open (id serial primary key); insert into open values (1), (2);
    create table secret (id int); create table partly (id int); insert into partly values (1);
    alter table partly enable row level security;
    create sequence counter; create schema private; create table private.t (id int);
    grant select on open, partly to backup;
    grant select on all tables in schema private to backup;
    select lo_from_bytea(880001, 'x'::bytea)`);
  const connection = { ...cluster.connection, user: 'backup' };
  const result = await bench.backup({ connection });
  expect(result.record.notCaptured.filter(({ expected }) => !expected)).toEqual([
    { database: null, what: 'database closed', reason: 'the role lacks CONNECT on it', expected: false },
    expect.objectContaining({ database: null, what: 'passwords of roles' }),
    expect.objectContaining({ what: 'table private.t', reason: 'the role lacks USAGE on schema private' }),
    expect.objectContaining({
      database: 'postgres',
      what: 'table public.secret',
      reason: 'the role lacks SELECT on it',
    }),
    expect.objectContaining({ what: 'value of sequence public.counter' }),
    expect.objectContaining({ what: 'value of sequence public.open_id_seq' }),
    expect.objectContaining({ what: 'data of table public.partly', reason: expect.stringContaining('BYPASSRLS') }),
    expect.objectContaining({ what: '1 large objects', reason: 'the role may not read 1 of them' }),
  ]);
  expect(result.record.globals).toMatchObject({ passwords: false });
  const [database] = result.record.databases;
  expect(database?.tables.map(({ name, dataDumped, rows }) => ({ name, dataDumped, rows }))).toEqual([
    { name: 'open', dataDumped: true, rows: 2 },
    { name: 'partly', dataDumped: false, rows: null },
  ]);
  await loadParts(cluster, join(await bench.restored(result), 'postgres'), 'again');
  await using client = await cluster.connect({ database: 'again' });
  expect((await client.query('select id from open')).rows).toEqual([{ id: 1 }, { id: 2 }]);
});

test('configuration of an extension is dumped wherever its tables lie', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql(`
    create extension citext;
    set allow_system_table_mods = on;
    create table pg_catalog.citext_settings (name text);
    alter extension citext add table pg_catalog.citext_settings;
    insert into pg_catalog.citext_settings values ('a'), ('b');
    update pg_extension set extconfig = array['pg_catalog.citext_settings'::regclass::oid], extcondition = array['']
     where extname = 'citext'`);
  const { record } = await bench.backup({ filters: { ...everything, databases: ['postgres'] } });
  expect(record.databases[0]?.tables).toMatchObject([
    { schema: 'pg_catalog', name: 'citext_settings', rows: 2, extension: 'citext' },
  ]);
});
