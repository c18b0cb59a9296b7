// needs PostgreSQL's client programs
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { silentProgress } from '../../base/progress.ts';
import { formatLsn, toLsn } from '../../postgres/lsn.ts';
import { parseRecoveryTarget } from '../../restore/recoveryTarget.ts';
import { startCommitLoad } from '../../testing/commitLoad.ts';
import { payloadOf, type CommitMark } from '../../testing/commitLog.ts';
import type { Cluster } from '../../testing/postgresServer.ts';
import { ProofBench } from '../../testing/proofBench.ts';
import { applyTablesAtTime, planTablesAtTime, type TablesAtTimeOptions } from './tablesAtTime.ts';

const ctx = createContext();
const events = { schema: 'public', name: 'commit_load' };
let bench: ProofBench;
let cluster: Cluster;
let mark: CommitMark;

beforeAll(async () => {
  bench = await ProofBench.open();
  cluster = await bench.createArchiving();
  await cluster.sql('create database apart');
  await cluster.sql(`
    create function no_more() returns trigger language plpgsql as $$ begin raise 'a trigger fired'; end $$;
    create table commit_load_account (client int primary key, commits bigint not null);
    create table commit_load (
      sequence bigint primary key, client int not null references commit_load_account, payload text not null,
      noted timestamptz default now(), number bigserial);
    alter table commit_load enable row level security;
    create policy none on commit_load using (false);
    create index on commit_load (payload);
    create table parts (id int) partition by range (id);
    create table parts_1 partition of parts for values from (0) to (10);
    create table parts_2 partition of parts for values from (10) to (20);
    create index on parts (id);
    insert into parts select g from generate_series(0, 14) g`);
  await using load = await startCommitLoad(cluster);
  await load.advance(30);
  await bench.backup(cluster);
  await load.advance(40);
  mark = await load.mark('before the accident');
  await load.advance(40);
  await load.stop();
  await cluster.sql(`
    create trigger no_more before insert or truncate on commit_load for each statement execute function no_more();
    create view watched as select * from commit_load;
    grant select on commit_load to public;
    delete from parts where id < 12`);
  await bench.archiveAll(cluster);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function at(target: Parameters<typeof parseRecoveryTarget>[0]): Pick<TablesAtTimeOptions, 'request'> {
  const request = {
    target: parseRecoveryTarget(target),
    inclusive: true,
    timeline: 'latest',
    action: 'promote',
  } as const;
  return { request };
}

async function restore(options: Partial<TablesAtTimeOptions> & Pick<TablesAtTimeOptions, 'request'>) {
  const repository = await bench.openRepository();
  const plan = await planTablesAtTime(ctx, repository, {
    tables: [events],
    target: cluster.connection,
    replace: false,
    ...options,
  });
  const sandbox = { scratch: bench.directory.path };
  return applyTablesAtTime(ctx, repository, { plan, sandbox, progress: silentProgress });
}

async function hashOf(table: string, database = 'postgres'): Promise<string | undefined> {
  await using client = await cluster.connect({ database });
  const { rows } = await client.query<{ hash: string }>(
    `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as hash from ${table} t`,
  );
  return rows[0]?.hash;
}

async function expectRowsOfMark(table: string, database = 'postgres'): Promise<void> {
  await using client = await cluster.connect({ database });
  const { rows } = await client.query<{ sequence: string; payload: string }>(`select sequence, payload from ${table}`);
  expect(new Set(rows.map(({ sequence }) => Number(sequence)))).toEqual(mark.expected.must);
  expect(rows.filter(({ sequence, payload }) => payload !== payloadOf(Number(sequence), 200))).toEqual([]);
}

test('a table as it was at a time lies beside the live one, which is not touched', async () => {
  const before = await hashOf('commit_load');
  const { tables } = await restore({
    ...at({ time: mark.time.toISOString() }),
    tables: [events, { schema: 'public', name: 'parts' }],
  });
  expect(await hashOf('commit_load')).toBe(before);
  await expectRowsOfMark('commit_load_restored');
  expect(tables).toMatchObject([
    { name: 'commit_load_restored', rows: BigInt(mark.expected.must.size), replaced: false },
    { name: 'parts_restored', rows: 15n },
  ]);
  const objects = await cluster.sql<{ name: string }>(
    `select relname as name from pg_class where relname ~ '_restored' order by relname`,
  );
  expect(objects.map(({ name }) => name)).toEqual([
    'commit_load_restored',
    'commit_load_restored_number_seq',
    'commit_load_restored_payload_idx',
    'commit_load_restored_pkey',
    'parts_restored',
    'parts_restored_1',
    'parts_restored_1_id_idx',
    'parts_restored_2',
    'parts_restored_2_id_idx',
    'parts_restored_id_idx',
  ]);
  const [row] = await cluster.sql(
    `select relrowsecurity as secured, relacl::text as rights,
            (select count(*)::int from pg_trigger where tgrelid = c.oid) as triggers,
            (select count(*)::int from pg_namespace where nspname ~ 'understudy') as leftovers
       from pg_class c where relname = 'commit_load_restored'`,
  );
  expect(row).toEqual({ secured: true, rights: null, triggers: 0, leftovers: 0 });
  expect(bench.sandboxes()).toEqual([]);
  const again = restore(at({ time: mark.time.toISOString() }));
  await expect(again).rejects.toMatchObject({ code: 'destination-not-empty' });
});

test('at an LSN, into another database, where it keeps its name', async () => {
  const target = { ...cluster.connection, database: 'apart' };
  const { tables } = await restore({ ...at({ lsn: formatLsn(toLsn(mark.lsn)) }), target, from: 'postgres' });
  expect(tables).toMatchObject([{ schema: 'public', name: 'commit_load' }]);
  await expectRowsOfMark('commit_load', 'apart');
});

test('with replace the rows of the live table are those of that time, and all around it stays', async () => {
  await cluster.sql(`create table note (sequence bigint references commit_load); insert into note values (1)`);
  const parts = { schema: 'public', name: 'parts' };
  const { tables } = await restore({ ...at({ name: mark.name }), tables: [events, parts], replace: true });
  expect(tables).toMatchObject([
    { name: 'commit_load', replaced: true },
    { name: 'parts', rows: 15n },
  ]);
  await expectRowsOfMark('commit_load');
  await expectRowsOfMark('watched');
  const [row] = await cluster.sql(
    `select relacl is not null as rights, (select tgenabled from pg_trigger where tgname = 'no_more') as trigger,
            (select count(*)::int from pg_constraint
              where contype = 'f' and confrelid = c.oid and convalidated) as keys,
            (select count(*)::int from pg_policy where polrelid = c.oid) as policies
       from pg_class c where relname = 'commit_load'`,
  );
  expect(row).toEqual({ rights: true, trigger: 'O', keys: 1, policies: 1 });
});

test('rows that others refer to are not taken away: all stays as it is', async () => {
  const late = 1_000_000;
  await cluster.sql(`
    alter table commit_load disable trigger user;
    insert into commit_load (sequence, client, payload) values (${late}, 1, '');
    alter table commit_load enable trigger user;
    insert into note values (${late})`);
  const before = await hashOf('commit_load');
  const attempt = restore({ ...at({ name: mark.name }), replace: true });
  await expect(attempt).rejects.toMatchObject({
    code: 'restore-incomplete',
    hint: expect.stringContaining('refer to rows'),
  });
  expect(await hashOf('commit_load')).toBe(before);
  const schemas = await cluster.sql(`select nspname from pg_namespace where nspname ~ 'understudy'`);
  expect(schemas).toEqual([]);
});

test('what cannot be had is refused before anything runs', async () => {
  const time = at({ time: mark.time.toISOString() });
  const refused = (options: Partial<TablesAtTimeOptions>, code: string) =>
    expect(restore({ ...time, ...options })).rejects.toMatchObject({ code });
  await refused(at({ time: '2001-01-01 00:00:00Z' }), 'target-outside-window');
  await refused({ tables: [{ schema: 'nowhere', name: 'x' }] }, 'not-found');
  await refused({ tables: [{ schema: 'public', name: 'never_was' }], replace: true }, 'not-found');
  await refused({ from: 'elsewhere' }, 'not-found');
  await refused({ replace: true, as: 'other' }, 'usage');
});
