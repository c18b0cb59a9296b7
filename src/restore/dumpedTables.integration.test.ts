// needs PostgreSQL's client programs
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withLogging } from '../backend/logging.ts';
import { dumpBench, everything, type DumpBench } from '../testing/dumpBench.ts';
import { tableHashes } from '../testing/tableHashes.ts';
import { createContext } from '../base/context.ts';
import { silentLog, type LogFields } from '../base/log.ts';
import { Repository } from '../repository/repository.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { password, reopen } from '../testing/repositories.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import { applyTableRestore } from './applyTableRestore.ts';
import { findDump } from './loadDump.ts';
import { parseTableName, planTableRestore, type TableRestoreOptions } from './planTableRestore.ts';
import { checkStaging, stageDumpedTables } from './stageDumpedTables.ts';

const rich = 'scenescout';
let cluster: Cluster;
let bench: DumpBench;

beforeAll(async () => {
  cluster = await createCluster();
  bench = await dumpBench(cluster);
  await createRichDatabase(cluster);
  await cluster.sql('create database sizes');
  await using client = await cluster.connect({ database: 'sizes' });
  await client.query(`
    create table big as
      select g as id, (select string_agg(md5((g * 32 + n)::text), '') from generate_series(1, 32) n) as text
      from generate_series(1, 6000) g;
    create table small (id serial primary key, text text unique);
    insert into small (text) select g from generate_series(1, 100) g`);
  for (const layout of ['parts', 'single'] as const) {
    await bench.backup({ layout, source: layout, filters: { ...everything, databases: [rich, 'sizes'] } });
  }
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

interface Wanted extends Partial<Omit<TableRestoreOptions, 'tables'>> {
  readonly tables: readonly string[];
  readonly database: string;
  readonly source?: string;
  readonly repository?: Repository;
}

async function restore({ tables, database, source = 'parts', ...options }: Wanted, ctx = createContext()) {
  const repository = options.repository ?? (await reopen(bench.repository));
  const dump = await findDump(ctx, repository, { text: 'latest', source });
  const plan = await planTableRestore(ctx, {
    tables: tables.map(parseTableName),
    target: { ...cluster.connection, database },
    replace: false,
    sourceMajor: dump.major,
    ...options,
  });
  await checkStaging(ctx, dump, { database, plan });
  await using staged = await stageDumpedTables(ctx, dump, { database, plan });
  return await applyTableRestore(ctx, plan, { staged });
}

test.each(['parts', 'single'])('tables of a dump (%s) come back beside the live ones', async (source) => {
  const before = await tableHashes(cluster, rich);
  const odd = `"Odd ""schema"" ü.%/"."Table ""with"" quotes, spaces/ü.*"`;
  const restored = await restore({ source, database: rich, tables: ['events', 'measurements', 'auth.users', odd] });
  expect(restored.map(({ name, rows }) => [name, rows])).toEqual([
    ['events_restored', 2000n],
    ['measurements_restored', 90n],
    ['users_restored', 300n],
    ['Table "with" quotes, spaces/ü.*_restored', 1n],
  ]);
  const after = await tableHashes(cluster, rich);
  expect(after['public.events_restored']).toBe(before['public.events']);
  expect(after['auth.users_restored']).toBe(before['auth.users']);
  expect(after['public.measurements_restored_2026']).toBe(before['public.measurements_2026']);
  expect(Object.entries(before).filter(([name, hash]) => after[name] !== hash)).toEqual([]);
  await using client = await cluster.connect({ database: rich });
  const { rows } = await client.query(`
    select relrowsecurity as secured, obj_description(oid) as comment,
           (select count(*)::int from pg_index where indrelid = c.oid) as indexes,
           has_table_privilege('rich reader', oid, 'select') as readable
      from pg_class c where relname = 'events_restored'`);
  expect(rows).toEqual([{ secured: true, comment: 'What happens where', indexes: 2, readable: false }]);
  await client.query(`insert into events_restored (source, title) values ('manual', 'next')`);
  expect((await client.query(`select max(id)::int as id from events_restored`)).rows).toEqual([{ id: 2001 }]);
  expect(await cluster.sql(`select datname from pg_database where datname ~ 'understudy'`)).toEqual([]);
  await client.query(`drop table events_restored, measurements_restored, auth.users_restored,
    "Odd ""schema"" ü.%/"."Table ""with"" quotes, spaces/ü.*_restored"`);
});

test('what a killed restore left is removed by the next, what a living one uses is not', async () => {
  await cluster.sql('create database understudy_staging_dead');
  await cluster.sql('create database understudy_staging_used');
  await using client = await cluster.connect({ database: 'sizes' });
  await client.query('create schema understudy_copy_dead; create table understudy_copy_dead.t (id int)');
  await client.query(`create schema understudy_copy_used; select pg_advisory_lock(hashtext('understudy_copy_used'))`);
  {
    await using _session = await cluster.connect({ database: 'understudy_staging_used' });
    await restore({ database: 'sizes', tables: ['small'], as: 'once_more' });
  }
  const left = await cluster.sql(`select datname as name from pg_database where datname ~ '^understudy'`);
  expect(left).toEqual([{ name: 'understudy_staging_used' }]);
  const schemas = await client.query(`select nspname as name from pg_namespace where nspname ~ '^understudy'`);
  expect(schemas.rows).toEqual([{ name: 'understudy_copy_used' }]);
  await client.query('drop schema understudy_copy_used; drop table once_more');
  await cluster.sql('drop database understudy_staging_used');
});

test('a role without all rights gets the tables that need none, and hears of the rest', async () => {
  await cluster.sql('create role limited login createdb');
  await cluster.sql('create database limited owner limited');
  const target = { ...cluster.connection, user: 'limited', database: 'limited' };
  await expect(restore({ database: rich, tables: ['events'], target })).rejects.toThrow(
    'type "public.source_kind" does not exist',
  );
  await using client = await cluster.connect(target);
  await client.query(`create type source_kind as enum ('ticketmaster', 'eventbrite', 'manual')`);
  expect(await restore({ database: rich, tables: ['accounts', 'events'], target })).toMatchObject([
    { name: 'accounts', rows: 50n },
    { name: 'events', rows: 2000n },
  ]);
});

test('of a small table only its own bytes are read', async () => {
  const reads: LogFields[] = [];
  const debug = (fields: LogFields): void => {
    if (fields['operation'] === 'get' && String(fields['name']).startsWith('data/')) reads.push(fields);
  };
  const ctx = createContext({ log: { ...silentLog, debug, child: () => silentLog } });
  const repository = await Repository.open(ctx, withLogging(bench.repository.backend), { password });
  await restore({ repository, database: 'sizes', tables: ['small'], as: 'back' }, ctx);
  const readBytes = reads.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0);
  const dump = await findDump(ctx, repository, { text: 'latest', source: 'parts' });
  const total = dump.database('sizes').tables.reduce((sum, { archive }) => sum + (archive?.sizeBytes ?? 0), 0);
  expect(total).toBeGreaterThan(6_000_000);
  expect(readBytes).toBeGreaterThan(1_000);
  expect(readBytes / total).toBeLessThan(0.02);
});

test('rows are replaced from a dump; what it does not hold is refused before anything is made', async () => {
  await cluster.sql('create database apart');
  await using client = await cluster.connect({ database: 'sizes' });
  await client.query(`delete from small where id > 10; update small set text = 'x' where id = 1`);
  expect(await restore({ database: 'sizes', tables: ['small'], replace: true })).toMatchObject([{ rows: 100n }]);
  expect((await client.query(`select count(*)::int as count from small where text = id::text`)).rows).toEqual([
    { count: 100 },
  ]);
  const refused = (wanted: Wanted, code: string) => expect(restore(wanted)).rejects.toMatchObject({ code });
  await refused({ database: 'sizes', tables: ['never'] }, 'not-found');
  await refused({ database: rich, tables: ['events_by_source'] }, 'not-found');
  await refused({ database: rich, tables: ['events', 'words'], as: 'x' }, 'usage');
  await refused({ database: rich, tables: ['events'], as: 'words' }, 'destination-not-empty');
  expect(() => parseTableName('a.b.c')).toThrow(expect.objectContaining({ code: 'usage' }));
  await client.query('alter table small add column later int');
  await refused({ database: 'sizes', tables: ['small'], replace: true }, 'restore-incomplete');
  const schemas = await client.query(`select nspname from pg_namespace where nspname ~ 'understudy'`);
  expect(schemas.rows).toEqual([]);
});

test('rows are replaced whatever became of partitions, and never those of another server', async () => {
  const database = 'evolving';
  await cluster.sql(`create database ${database}`);
  await using client = await cluster.connect({ database });
  await client.query(`
    create table unparted (id int, note text) partition by range (id);
    create table unparted_1 partition of unparted for values from (0) to (100);
    create table parted (id int primary key, note text);
    create table spread (id int, note text);
    create function loud(text) returns text language internal immutable strict as 'upper';
    create table noted (id int primary key, note text);
    create index noted_loudly on noted (loud(note));
    insert into noted values (1, 'x');
    insert into unparted select g, 'u' from generate_series(1, 20) g;
    insert into parted select g, 'p' from generate_series(1, 30) g;
    insert into spread select g, 's' from generate_series(1, 5) g`);
  await cluster.sql(`alter database ${database} set default_transaction_read_only = on`); // not for staging
  await bench.backup({ source: database, filters: { ...everything, databases: [database] } });
  await cluster.sql(`alter database ${database} reset default_transaction_read_only`);
  await client.query(`
    drop table unparted, parted, spread;
    create function no_more() returns trigger language plpgsql as $$ begin raise 'a trigger fired'; end $$;
    create table unparted (id int, note text);
    create table heir () inherits (unparted);
    insert into heir values (100, 'not of the table itself');
    create table parted (id int primary key, note text) partition by range (id);
    create table parted_1 partition of parted for values from (0) to (10);
    create table parted_2 partition of parted for values from (10) to (100);
    create trigger own before insert on parted_2 for each row execute function no_more();
    create trigger common after insert on parted for each row execute function no_more();
    alter table parted_1 disable trigger common;
    create table referring (id int references parted);
    comment on constraint referring_id_fkey on referring is 'it''s needed';
    create table far (id int, note text);
    insert into far values (1, 'of another server');
    create extension postgres_fdw;
    create server loopback foreign data wrapper postgres_fdw
      options (host '${cluster.socketDirectory}', port '${cluster.port}', dbname '${database}');
    create user mapping for postgres server loopback;
    create table spread (id int, note text) partition by range (id);
    create foreign table spread_1 partition of spread for values from (0) to (100) server loopback
      options (table_name 'far')`);
  const replaced = restore({ source: database, database, tables: ['unparted', 'parted', 'spread'], replace: true });
  await expect(replaced).rejects.toMatchObject({
    code: 'restore-incomplete',
    message: expect.stringMatching(/public\.spread_1; restored before it: public\.unparted, public\.parted$/),
  });
  const { rows } = await client.query(`
    select (select count(*)::int from only unparted) as unparted, (select count(*)::int from heir) as heirs,
           (select count(*)::int from parted_2) as second, (select count(*)::int from far) as far,
           (select string_agg(tgrelid::regclass || tgenabled::text, ' ' order by tgrelid) from pg_trigger
             where tgname in ('own', 'common')) as triggers,
           (select obj_description(oid) from pg_constraint where conname = 'referring_id_fkey') as comment`);
  const triggers = 'partedO parted_1D parted_2O parted_2O';
  expect(rows).toEqual([{ unparted: 20, heirs: 1, second: 21, far: 1, triggers, comment: `it's needed` }]);
});

test('an index of a wanted table that cannot be made is told apart from all else', async () => {
  await cluster.sql('create role modest login createdb');
  await cluster.sql('create database modest owner modest');
  const dump = await findDump(createContext(), await reopen(bench.repository), { text: 'latest', source: 'evolving' });
  const target = { ...cluster.connection, user: 'modest', database: 'modest' };
  const stage = async (tables: readonly string[]) => {
    const sourceMajor = dump.major;
    const options = { tables: tables.map(parseTableName), target, replace: false, sourceMajor };
    const plan = await planTableRestore(createContext(), options);
    await using staged = await stageDumpedTables(createContext(), dump, { database: 'evolving', plan });
    const rows = await applyTableRestore(createContext(), plan, { staged });
    return { rows, unmade: staged.unmade, problems: staged.problems };
  };
  expect(await stage(['noted'])).toMatchObject({
    rows: [{ rows: 1n }],
    unmade: [expect.stringContaining('INDEX noted_loudly ON')],
  });
  const { unmade, problems } = await stage(['spread']);
  expect(unmade).toEqual([]);
  expect(problems).toContainEqual(expect.stringContaining('loud(text)'));
});
