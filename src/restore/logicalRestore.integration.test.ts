// needs PostgreSQL's client programs
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpBench, everything, schemaText, type DumpBench } from '../testing/dumpBench.ts';
import { tableHashes } from '../testing/tableHashes.ts';
import type { LogicalBackupResult } from '../backup/logicalBackup.ts';
import { createContext } from '../base/context.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { reopen } from '../testing/repositories.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import { waitFor } from '../testing/waitFor.ts';
import { applyLogicalRestore } from './applyLogicalRestore.ts';
import { planLogicalRestore, type LogicalRestoreOptions } from './planLogicalRestore.ts';

const ctx = createContext();
const rich = 'scenescout';
let source: Cluster;
let bench: DumpBench;
let dump: LogicalBackupResult;

beforeAll(async () => {
  source = await createCluster();
  bench = await dumpBench(source);
  await createRichDatabase(source);
  dump = await bench.backup({ filters: { ...everything, databases: [rich] } });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
});

const defaults = { databases: [], existing: 'refuse', owners: true, grants: true, globals: true } as const;

async function restore(cluster: Cluster, options: Partial<LogicalRestoreOptions> = {}, applying = ctx) {
  const selector = { text: dump.snapshot.id };
  const target = cluster.connection;
  const plan = await planLogicalRestore(ctx, await reopen(bench.repository), {
    ...defaults,
    selector,
    target,
    ...options,
  });
  await applyLogicalRestore(applying, plan, { jobs: 2 });
  return plan;
}

async function databases(cluster: Cluster): Promise<string[]> {
  const rows = await cluster.sql<{ name: string }>('select datname as name from pg_database order by 1');
  return rows.map(({ name }) => name).filter((name) => !name.startsWith('template') && name !== 'postgres');
}

describe.each([15, 16, 17, 18] as const)('PostgreSQL %i', (major) => {
  test('a database with everything comes back equal on a new server', async () => {
    await using cluster = await createCluster({ major });
    const plan = await restore(cluster);
    expect(plan.globals).toMatchObject({ createdRoles: ['rich reader', 'rich_owner'], keptRoles: ['postgres'] });
    expect(await databases(cluster)).toEqual([rich]);
    expect(await tableHashes(cluster, rich)).toEqual(await tableHashes(source, rich));
    await using was = await source.connect({ database: rich });
    await using is = await cluster.connect({ database: rich });
    for (const question of questions) {
      expect((await is.query(question)).rows).toEqual((await was.query(question)).rows);
    }
    if (major === 15) expect(await schemaText(cluster, rich)).toBe(await schemaText(source, rich));
    const next = `select nextval('events_id_seq') as e, nextval('free_sequence') as f, nextval('"Unused Sequence"') as u`;
    expect((await is.query(next)).rows).toEqual([{ e: '2001', f: '990', u: '7' }]);
  });
});

/** Answers that are the same on every version. */
const questions = [
  `select rolname, rolcanlogin, rolpassword from pg_authid where rolname ~ '^rich' order by 1`,
  `select schemaname, tablename, policyname, roles, cmd, qual, with_check from pg_policies order by 1, 2, 3`,
  `select relname, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity,
          array(select concat(pg_get_userbyid(grantee), privilege_type, is_grantable) from aclexplode(relacl)
                 where privilege_type <> 'MAINTAIN' order by 1) as rights
     from pg_class
    where relkind in ('r', 'p', 'v', 'm', 'S') and relnamespace in ('public'::regnamespace, 'auth'::regnamespace) order by 1`,
  `select loid, sum(hashtextextended(encode(data, 'hex'), 0)) as hash from pg_largeobject group by loid order by 1`,
  `select source::text, count from events_by_source order by 1`,
  `select datname, pg_get_userbyid(datdba), encoding, datcollate, datctype, setconfig from pg_database
     left join pg_db_role_setting on setdatabase = pg_database.oid where datname = current_database()`,
  `select conname, convalidated, pg_get_constraintdef(oid) as text from pg_constraint
    where contype in ('f', 'p', 'u', 'c') and connamespace = 'public'::regnamespace order by 1, 3`,
];

describe('on a server that is in use', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await createCluster({ settings: { max_prepared_transactions: 2 } });
    await restore(cluster);
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  test('a database that holds something is refused, and replaced only on demand and in the end', async () => {
    await expect(restore(cluster)).rejects.toMatchObject({ code: 'destination-not-empty' });
    await using client = await cluster.connect({ database: rich });
    await client.query('delete from accounts');
    client.on('error', () => undefined);
    await cluster.sql(`create database understudy_replaced_${rich}`); // as a killed restore left it
    await restore(cluster, { existing: 'replace' });
    expect(await tableHashes(cluster, rich)).toEqual(await tableHashes(source, rich));
    expect(await databases(cluster)).toEqual([rich]);
  });

  /** Holds a database in a way that outlives sessions; resolves with how to let it go. */
  async function hold(): Promise<() => Promise<void>> {
    await using client = await cluster.connect({ database: rich });
    await client.query(`begin; update accounts set balance = 1 where id = 1; prepare transaction 'undecided'`);
    return async () => {
      await using again = await cluster.connect({ database: rich });
      await again.query(`rollback prepared 'undecided'`);
    };
  }

  function isRenaming(): Promise<boolean> {
    const text = `select from pg_stat_activity where state = 'active' and query ~ '^ALTER DATABASE .* RENAME TO'`;
    return cluster.sql(text).then((rows) => rows.length > 0);
  }

  test('a database that cannot be put aside stays as it is, open for everybody, also when it is stopped', async () => {
    const release = await hold();
    const before = await tableHashes(cluster, rich);
    const stop = new AbortController();
    const attempt = restore(cluster, { existing: 'replace' }, createContext({ signal: stop.signal }));
    const refused = expect(attempt).rejects.toThrow('is being accessed');
    await waitFor(isRenaming, { what: 'the rename' });
    stop.abort(new Error('stopped by the test'));
    await refused;
    expect(await databases(cluster)).toEqual([rich]);
    expect(await tableHashes(cluster, rich)).toEqual(before);
    await release();
  });

  test('killed while it gives the database its name, it leaves the old one, open for everybody', async () => {
    const release = await hold();
    const words = [bench.path('repository'), dump.snapshot.id, cluster.socketDirectory, 'replace'];
    const restoring = execFile(process.execPath, [
      join(import.meta.dirname, 'fixture/logicalRestoreProcess.ts'),
      ...words,
    ]);
    const exit = once(restoring, 'exit');
    await waitFor(isRenaming, { what: 'the rename' });
    restoring.kill('SIGKILL');
    await exit;
    await release();
    expect(await databases(cluster)).toEqual([rich, `understudy_restoring_${rich}`]);
    await restore(cluster, { existing: 'replace' });
    expect(await databases(cluster)).toEqual([rich]);
    expect(await tableHashes(cluster, rich)).toEqual(await tableHashes(source, rich));
  });

  test('a dump that does not hold all of a database replaces none', async () => {
    const filters = { ...everything, databases: [rich], excludeSchemas: ['auth'], excludeTableData: ['accounts'] };
    const { snapshot } = await bench.backup({ filters });
    const selector = { text: snapshot.id };
    await expect(restore(cluster, { selector, existing: 'replace' })).rejects.toMatchObject({
      code: 'destination-not-empty',
      message: expect.stringContaining('data of table public.accounts (excluded by excludeTableData)'),
      hint: expect.stringContaining('--into'),
    });
    const plan = await planLogicalRestore(ctx, await reopen(bench.repository), {
      ...defaults,
      selector,
      target: cluster.connection,
      into: 'partial',
    });
    expect(plan.databases[0]?.lacking).toMatchObject([
      { reason: 'excludeSchemas auth', expected: true },
      { what: 'data of table public.accounts', expected: true },
    ]);
  });

  test('settings of a database come last, and with them their roles', async () => {
    await source.sql('create database settled');
    {
      await using client = await source.connect({ database: 'settled' });
      await client.query('create table t as select 1 as id');
    }
    for (const text of [
      'alter database settled set default_transaction_read_only = on',
      'alter database settled is_template true connection limit 7',
      'grant create on database settled to "rich reader"',
      "comment on database settled is 'as it is'",
      `alter role "rich reader" in database settled set work_mem = '7MB'`,
    ]) {
      await source.sql(text);
    }
    const { snapshot } = await bench.backup({ filters: { ...everything, databases: ['settled'] } });
    const selector = { text: snapshot.id };
    const settings = (of: Cluster, name: string) =>
      of.sql(
        `select datistemplate, datconnlimit, array_agg(setconfig order by setconfig) as settings,
                max(shobj_description(pg_database.oid, 'pg_database')) as comment
           from pg_database left join pg_db_role_setting on setdatabase = oid where datname = $1 group by 1, 2`,
        [name],
      );
    const wanted = await settings(source, 'settled');
    await restore(cluster, { selector });
    expect(await settings(cluster, 'settled')).toEqual(wanted);
    await restore(cluster, { selector, existing: 'replace' });
    await cluster.sql('create database prepared_too');
    await restore(cluster, { selector, into: 'prepared_too' });
    expect(await settings(cluster, 'prepared_too')).toEqual(wanted);
    expect(await tableHashes(cluster, 'settled')).toEqual(await tableHashes(cluster, 'prepared_too'));
    await using bare = await createCluster();
    await expect(restore(bare, { selector, globals: false })).rejects.toThrow('not on the server: rich reader');
  });

  test('names that are not ASCII are no matter of the encoding', async () => {
    await source.sql(`create database latin encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'`);
    await using client = await source.connect({ database: 'latin' });
    await client.query(`create table größe (wert text); insert into größe values ('süß'), ('sauer')`);
    for (const layout of ['parts', 'single'] as const) {
      const { snapshot } = await bench.backup({ layout, filters: { ...everything, databases: ['latin'] } });
      await restore(cluster, { selector: { text: snapshot.id }, into: layout });
      expect(await tableHashes(cluster, layout)).toEqual(await tableHashes(source, 'latin'));
    }
  });

  test('another name, an empty database, one schema', async () => {
    const staging = 'ü'.repeat(31);
    await restore(cluster, { into: staging, databases: [rich] });
    await restore(cluster, { into: staging, existing: 'replace' });
    expect(await tableHashes(cluster, staging)).toEqual(await tableHashes(source, rich));
    await cluster.sql('create database prepared');
    const plan = await restore(cluster, { into: 'prepared' });
    expect(plan.databases).toMatchObject([{ action: 'fill' }]);
    await restore(cluster, { into: 'accounts', schema: 'public' });
    const all = await tableHashes(source, rich);
    const ofPublic = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('public.')));
    expect(await tableHashes(cluster, 'accounts')).toEqual(ofPublic);
    const again = await restore(cluster, { into: 'accounts', schema: 'auth' });
    expect(again.databases).toMatchObject([{ action: 'add' }]);
    await expect(restore(cluster, { into: 'accounts', schema: 'auth' })).rejects.toMatchObject({
      code: 'destination-not-empty',
    });
  });

  test('without owners and rights all belongs to who restores', async () => {
    await restore(cluster, { into: 'mine', owners: false, grants: false, globals: false });
    await using client = await cluster.connect({ database: 'mine' });
    const { rows } = await client.query(`select distinct pg_get_userbyid(relowner) as owner, relacl from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')`);
    expect(rows).toEqual([{ owner: 'postgres', relacl: null }]);
  });
});

describe('what cannot succeed', () => {
  let cluster: Cluster;

  beforeAll(async () => (cluster = await createCluster()));
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function expectUntouched(): Promise<void> {
    expect(await databases(cluster)).toEqual([]);
  }

  test('missing roles and extensions, an older server, unknown names: refused before anything is changed', async () => {
    const refused = (options: Partial<LogicalRestoreOptions>, message: string) =>
      expect(restore(cluster, options)).rejects.toThrow(message);
    await refused({ globals: false }, 'not on the server: rich reader, rich_owner');
    await refused({ databases: ['other'] }, 'database "other" is not in snapshot');
    await refused({ schema: 'other' }, 'schema "other" is not in the dump');
    await refused({ schema: 'auth', existing: 'replace' }, '--clean drops a whole database');
    await using older = await createCluster({ major: 14 });
    await expect(restore(older)).rejects.toMatchObject({ code: 'postgres-unsupported' });
    await expectUntouched();
    expect(await cluster.sql(`select from pg_roles where rolname ~ '^rich'`)).toEqual([]);
  });

  test('an extension that the server does not offer is named before anything is changed', async () => {
    await source.sql('create database extended');
    await using client = await source.connect({ database: 'extended' });
    await client.query('create extension old_snapshot'); // PostgreSQL 17 does not have it any more
    const { snapshot } = await bench.backup({ filters: { ...everything, databases: ['extended'] } });
    await using newer = await createCluster({ major: 17 });
    await expect(restore(newer, { selector: { text: snapshot.id } })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('old_snapshot'),
      detail: { extensions: ['old_snapshot'] },
    });
    expect(await databases(newer)).toEqual([]);
  });

  test('an error of pg_restore is told in its words, and no half database stays', async () => {
    await source.sql('create database broken');
    await using client = await source.connect({ database: 'broken' });
    await client.query(`
      create function holds(int) returns boolean language sql immutable as 'select true';
      create table kept (id int); insert into kept values (1);
      create table doubtful (id int check (holds(id))); insert into doubtful values (1);
      create or replace function holds(int) returns boolean language sql immutable as 'select false'`);
    for (const layout of ['parts', 'single'] as const) {
      const { snapshot } = await bench.backup({ layout, filters: { ...everything, databases: ['broken'] } });
      const attempt = restore(cluster, { selector: { text: snapshot.id } });
      await expect(attempt).rejects.toMatchObject({
        code: 'restore-incomplete',
        message: expect.stringContaining('violates check constraint'),
      });
      await expectUntouched();
    }
  });

  test('a schema that cannot be added is told as what is to be dropped, not the database', async () => {
    await source.sql('create database partly_broken');
    await using client = await source.connect({ database: 'partly_broken' });
    await client.query(`
      create schema app;
      create function app.holds(int) returns boolean language sql immutable as 'select true';
      create table app.doubtful (id int check (app.holds(id))); insert into app.doubtful values (1);
      create or replace function app.holds(int) returns boolean language sql immutable as 'select false'`);
    const { snapshot } = await bench.backup({ filters: { ...everything, databases: ['partly_broken'] } });
    await cluster.sql('create database home');
    const options = { selector: { text: snapshot.id }, into: 'home', schema: 'app' };
    await expect(restore(cluster, options)).rejects.toMatchObject({
      code: 'restore-incomplete',
      hint: 'drop the schema that was begun, and nothing else: DROP SCHEMA "app" CASCADE',
    });
    await cluster.sql('drop database home');
  });

  test('a damaged repository is an error, and no half database stays', async () => {
    await using other = await dumpBench(source);
    const { snapshot } = await other.backup({ filters: { ...everything, databases: [rich] } });
    const plan = await planLogicalRestore(ctx, other.repository, {
      ...defaults,
      selector: { text: snapshot.id },
      target: cluster.connection,
    });
    const packs = (await readdir(other.path('repository/data'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const pack of packs) {
      const bytes = await readFile(pack);
      for (let at = 200; at < bytes.length; at += 5000) bytes[at] = ~bytes[at]!;
      await chmod(pack, 0o600);
      await writeFile(pack, bytes);
    }
    await expect(applyLogicalRestore(ctx, plan)).rejects.toMatchObject({ code: 'repository-damaged' });
    await expectUntouched();
  });

  test('killed in the middle, it leaves no database of the name, and succeeds when it is run again', async () => {
    const words = [bench.path('repository'), dump.snapshot.id, cluster.socketDirectory];
    const process_ = execFile(process.execPath, [
      join(import.meta.dirname, 'fixture/logicalRestoreProcess.ts'),
      ...words,
    ]);
    await once(process_, 'exit');
    expect(process_.signalCode).toBe('SIGKILL');
    expect(await databases(cluster)).toEqual([`understudy_restoring_${rich}`]);
    const sessions = `select from pg_stat_activity where datname ~ '^understudy' and backend_type = 'client backend'`;
    await waitFor(async () => (await cluster.sql(sessions)).length === 0, { what: 'end of the sessions' });
    await restore(cluster);
    expect(await databases(cluster)).toEqual([rich]);
    expect(await tableHashes(cluster, rich)).toEqual(await tableHashes(source, rich));
  });
});
