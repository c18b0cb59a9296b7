import { mkdir, open, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createContext } from '../base/context.ts';
import { postgresMajors, type PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster, giveToServer, type Cluster, type Settings } from '../testing/postgresServer.ts';
import { makeStandby } from '../testing/standby.ts';
import { waitFor } from '../testing/waitFor.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import { readRole, readServerFacts } from './catalog.ts';
import { hostChecks } from './preflight/hostChecks.ts';
import { openSqlConnection } from './sqlConnection.ts';
import { preflight, type PreflightCheck, type PreflightOptions } from './preflight.ts';
import { toSystemIdentifier } from './systemIdentifier.ts';

const ctx = createContext();
const receiving: PreflightOptions = { method: 'stream', wal: 'receive', slotName: 'understudy' };
const pushing: PreflightOptions = { method: 'files', wal: 'push' };

const healthy: Settings = {
  fsync: true,
  max_slot_wal_keep_size: '2GB',
  max_wal_size: '64MB',
  archive_mode: 'on',
  archive_command: 'true',
  timezone: 'UTC',
};

async function healthyCluster(settings: Settings = {}, major: PostgresMajor = 17): Promise<Cluster> {
  return createCluster({ major, settings: { ...healthy, ...settings } });
}

function statuses(checks: readonly PreflightCheck[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}

/** The one check of this name. */
async function checkOf(
  name: string,
  target: { readonly connection: ConnectionOptions },
  options: PreflightOptions,
): Promise<PreflightCheck> {
  const found = (await preflight(ctx, target.connection, options)).find((check) => check.name === name);
  if (found === undefined) throw new Error(`no check ${name}`);
  expect(found.status === 'ok' || found.hint !== undefined).toBe(true);
  return found;
}

test.each(postgresMajors)('PostgreSQL %i: a healthy cluster passes every check', async (major) => {
  await using cluster = await healthyCluster({}, major);
  const now = new Date('2025-06-01T00:00:00Z'); // when all six majors are maintained
  const early = createContext({ clock: { ...systemClock, now: () => now } });
  for (const options of [receiving, pushing]) {
    const found = statuses(await preflight(early, cluster.connection, options));
    expect(found['clock']).toBe('warning'); // the price of travelling in time
    expect(Object.entries(found).filter(([name, status]) => status !== 'ok' && name !== 'clock')).toEqual([]);
    expect(Object.keys(found).length).toBeGreaterThan(15);
  }
  const late = createContext({ clock: { ...systemClock, now: () => new Date('2031-01-01T00:00:00Z') } });
  expect(statuses(await preflight(late, cluster.connection, pushing))['version']).toBe('warning');
  expect(await checkOf('clock', cluster, pushing)).toMatchObject({ status: 'ok', found: 'in step' });
});

test.each(postgresMajors)('PostgreSQL %i: what a careless configuration risks is told', async (major) => {
  await using cluster = await createCluster({
    major,
    checksums: false,
    settings: {
      wal_level: 'minimal',
      max_wal_senders: 0,
      max_replication_slots: 0,
      full_page_writes: false,
      timezone: 'Europe/Berlin',
    },
  });
  await cluster.sql('create unlogged table scratch ()');
  const received = await preflight(ctx, cluster.connection, receiving);
  expect(statuses(received)).toMatchObject({
    'wal_level': 'failed',
    'max_wal_senders': 'failed',
    'replication login': 'failed',
    'replication slot': 'failed',
    'max_slot_wal_keep_size': 'warning',
    'data_checksums': 'warning',
    'fsync': 'warning',
    'full_page_writes': 'warning',
  });
  const hinted = received.filter(({ status, hint }) => status === 'ok' && hint !== undefined).map(({ name }) => name);
  expect(hinted).toEqual(['time zone', 'unlogged tables']);
  expect(statuses(await preflight(ctx, cluster.connection, pushing))).toMatchObject({ archive_mode: 'failed' });
});

test.each(postgresMajors)(
  'PostgreSQL %i: a role without rights is told what to grant, and that suffices',
  async (major) => {
    await using cluster = await healthyCluster({}, major);
    await cluster.sql('create role "Backup" login');
    const weak = { connection: { ...cluster.connection, user: 'Backup' } };
    const rights = await checkOf('backup functions', weak, pushing);
    expect(rights.status).toBe('failed');
    const replication = await checkOf('replication right', weak, receiving);
    expect(replication.status).toBe('failed');
    const settings = await checkOf('settings', weak, pushing);
    expect(settings.status).toBe('inconclusive');
    expect((await checkOf('replication login', weak, receiving)).status).toBe('failed');
    expect((await checkOf('data directory', weak, pushing)).status).toBe('inconclusive');

    for (const { hint } of [rights, replication, settings]) await cluster.sql(hint ?? '');
    const after = [
      ...(await preflight(ctx, weak.connection, pushing)),
      ...(await preflight(ctx, weak.connection, receiving)),
    ];
    expect(after.filter(({ status }) => status === 'failed' || status === 'inconclusive')).toEqual([]);
  },
);

test('a server that does not answer is one failed check', async () => {
  const checks = await preflight(ctx, { host: '/nowhere', port: 5432, user: 'postgres' }, receiving);
  expect(checks).toMatchObject([{ name: 'connection', status: 'failed', expected: 'a login' }]);
});

test('another cluster than the repository is refused', async () => {
  await using cluster = await healthyCluster();
  const options = { ...pushing, expectedSystemIdentifier: toSystemIdentifier(1n) };
  expect(await checkOf('system identifier', cluster, options)).toMatchObject({ status: 'failed' });
});

test('pg_hba.conf without a replication line is told', async () => {
  await using cluster = await healthyCluster();
  await writeFile(join(cluster.dataDirectory, 'pg_hba.conf'), 'local postgres all trust\n');
  await cluster.sql('select pg_reload_conf()');
  const { database: _, ...connection } = cluster.connection; // with a database the same commands go over that line
  await waitFor(async () => (await checkOf('replication login', { connection }, receiving)).status === 'failed', {
    what: 'the reload',
  });
  expect((await checkOf('replication login', { connection }, receiving)).hint).toContain('pg_hba.conf');
  expect((await checkOf('replication login', cluster, receiving)).status).toBe('ok');
});

test('walsenders and slots that are all taken are told', async () => {
  await using cluster = await healthyCluster({ max_wal_senders: 1, max_replication_slots: 1 });
  await cluster.sql(`select pg_create_physical_replication_slot('other', true)`);
  expect(await checkOf('max_wal_senders', cluster, receiving)).toMatchObject({ found: '0 of 1 used, 3 needed' });
  expect(await checkOf('replication slot', cluster, receiving)).toMatchObject({
    status: 'failed',
    found: '1 of 1 used',
  });
  const own = { ...receiving, method: 'files', slotName: 'other' } as const;
  expect(await checkOf('replication slot', cluster, own)).toMatchObject({
    status: 'ok',
    found: 'other is reserved, not in use',
  });
  expect(await checkOf('max_wal_senders', cluster, own)).toMatchObject({ status: 'ok' });
});

test('slots that lost WAL, keep too much of it, or are logical are told', async () => {
  await using cluster = await healthyCluster({
    wal_level: 'logical',
    max_slot_wal_keep_size: '1MB',
    min_wal_size: '32MB',
    max_wal_size: '32MB',
  });
  await cluster.sql(`select pg_create_physical_replication_slot('understudy', true)`);
  await cluster.sql(`select pg_create_logical_replication_slot('logical', 'pgoutput')`);
  const logical = { ...receiving, slotName: 'logical' };
  expect((await checkOf('replication slot', cluster, logical)).found).toBe('logical is logical');
  for (let round = 0; round < 4; round++) {
    await cluster.sql(`select pg_logical_emit_message(false, 'x', 'x'); select pg_switch_wal(); checkpoint`);
    // invalidated, keeps none
    if (round === 2) expect((await checkOf('idle slots', cluster, receiving)).status).toBe('ok');
  }
  expect(await checkOf('replication slot', cluster, receiving)).toMatchObject({
    status: 'failed',
    found: 'understudy has lost its WAL',
  });
});

test('a slot that nobody uses and that keeps much WAL is told', async () => {
  await using cluster = await healthyCluster({
    max_wal_size: '32MB',
    min_wal_size: '32MB',
    max_slot_wal_keep_size: -1,
  });
  await cluster.sql(`select pg_create_physical_replication_slot('forgotten', true)`);
  for (let round = 0; round < 4; round++) {
    await cluster.sql(`select pg_logical_emit_message(false, 'x', 'x'); select pg_switch_wal()`);
  }
  expect(await checkOf('idle slots', cluster, pushing)).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(/^forgotten keeps \d+ MB$/),
  });
});

test('a slot timeout is told', async () => {
  await using cluster = await healthyCluster({ idle_replication_slot_timeout: '1h' }, 18);
  expect(await checkOf('idle_replication_slot_timeout', cluster, receiving)).toMatchObject({ status: 'warning' });
});

test.each([14, 15, 16, 18] as const)('PostgreSQL %i: command and library, one, both or neither', async (major) => {
  const both = major >= 16 ? 'failed' : 'warning';
  await using cluster = await healthyCluster({}, major);
  const withSettings = async (command: string, library: string): Promise<PreflightCheck> => {
    await cluster.configure({ archive_command: command, ...(major >= 15 ? { archive_library: library } : {}) });
    await cluster.restart();
    return checkOf('archive_command', cluster, pushing);
  };
  expect((await withSettings('', '')).status).toBe('failed');
  if (major >= 15) {
    expect((await withSettings('true', 'basic_archive')).status).toBe(both);
    expect((await withSettings('', 'basic_archive')).found).toBe('archive_library = basic_archive');
  }
  await cluster.configure({ archive_command: '', ...(major >= 15 ? { archive_library: '' } : {}) });
  await cluster.restart();
  expect((await checkOf('archive_command', cluster, receiving)).status).toBe('warning');
});

test('an archive_command that fails is told, and that it works again', async () => {
  await using cluster = await healthyCluster();
  expect((await checkOf('archiver', cluster, pushing)).found).toBe('nothing archived yet');
  await cluster.configure({ archive_command: 'false' });
  await cluster.sql('select pg_reload_conf()');
  await cluster.sql('create table t (); select pg_switch_wal()');
  const failing = async (): Promise<boolean> => (await checkOf('archiver', cluster, pushing)).status === 'failed';
  await waitFor(failing, { what: 'a failure' });
  expect((await checkOf('archiver', cluster, { method: 'files', wal: 'none' })).status).toBe('warning');
  await cluster.configure({ archive_command: 'true' });
  await cluster.restart();
  await waitFor(async () => !(await failing()), { what: 'a success' });
});

test.each([13, 14] as const)('PostgreSQL %i: an exclusive backup that runs is told', async (major) => {
  await using cluster = await healthyCluster({}, major);
  await cluster.sql(`select pg_start_backup('forgotten', true)`);
  expect(await checkOf('exclusive backup', cluster, pushing)).toMatchObject({ status: 'failed' });
  await cluster.sql('select pg_stop_backup()');
  expect(await checkOf('exclusive backup', cluster, pushing)).toMatchObject({ status: 'ok' });
});

test('pages that failed their checksum are told', async () => {
  await using cluster = await healthyCluster();
  await cluster.sql(`create table damaged as select generate_series(1, 100) as id; checkpoint`);
  const [row] = await cluster.sql<{ path: string }>(`select pg_relation_filepath('damaged') as path`);
  await cluster.stop();
  {
    await using file = await open(join(cluster.dataDirectory, row?.path ?? ''), 'r+');
    await file.write(Buffer.from('damage'), 0, 6, 8000);
  }
  await cluster.start();
  await expect(cluster.sql('select * from damaged')).rejects.toThrow('invalid page');
  const told = async (): Promise<boolean> =>
    (await checkOf('checksum failures', cluster, pushing)).status === 'warning';
  await waitFor(told, { what: 'the statistics' });
});

test('synchronous standbys that are not there are told', async () => {
  await using cluster = await healthyCluster();
  await cluster.sql('create role watcher login superuser; create role blind login');
  await cluster.configure({ synchronous_standby_names: 'ghost' });
  await cluster.sql('select pg_reload_conf()');
  const of = async (user: string) =>
    checkOf('synchronous_standby_names', { connection: { ...cluster.connection, user } }, pushing);
  await waitFor(async () => (await of('watcher')).status === 'warning', { what: 'the reload' });
  expect((await of('blind')).status).toBe('inconclusive');
});

test.each(postgresMajors)('PostgreSQL %i: a standby, its lag and its primary', async (major) => {
  await using primary = await healthyCluster({}, major);
  await using standby = await makeStandby(primary);
  const checks = statuses(await preflight(ctx, standby.connection, pushing));
  expect(checks).toMatchObject({ standby: 'ok', full_page_writes: 'ok', archive_mode: 'warning' });
  expect(Object.entries(checks).filter(([, status]) => status === 'failed' || status === 'inconclusive')).toEqual([]);
  await standby.sql('select pg_wal_replay_pause()');
  expect((await checkOf('standby', standby, pushing)).found).toBe('replay is paused');
  await standby.sql('select pg_wal_replay_resume()');

  await primary.configure({ full_page_writes: false });
  await primary.sql('select pg_reload_conf()');
  const off = async (): Promise<boolean> => {
    await primary.sql('checkpoint');
    await standby.sql('checkpoint');
    return (await checkOf('full_page_writes', standby, pushing)).status === 'failed';
  };
  await waitFor(off, { what: 'the news on the standby' });
});

test('links and configuration outside, and a full disk, are told', async () => {
  await using cluster = await createCluster({ start: false, settings: { ...healthy, max_wal_size: '1000TB' } });
  const outside = join(cluster.directory, 'outside');
  await mkdir(outside);
  await giveToServer(outside);
  const { dataDirectory } = cluster;
  await rename(join(dataDirectory, 'pg_hba.conf'), join(outside, 'pg_hba.conf'));
  await cluster.configure({ hba_file: join(outside, 'pg_hba.conf') });
  await rename(join(dataDirectory, 'pg_wal'), join(outside, 'wal'));
  await symlink(join(outside, 'wal'), join(dataDirectory, 'pg_wal'));
  await symlink(outside, join(dataDirectory, 'base/elsewhere'));
  await cluster.start();
  expect(await checkOf('links', cluster, pushing)).toMatchObject({ status: 'warning', found: 'base/elsewhere' });
  expect(await checkOf('configuration files', cluster, pushing)).toMatchObject({
    status: 'warning',
    found: join(outside, 'pg_hba.conf'),
  });
  expect((await checkOf('disk space of pg_wal', cluster, pushing)).status).toBe('warning');
});

test('a path that holds no cluster here, or another one, is told', async () => {
  await using cluster = await healthyCluster();
  await using other = await createCluster({ start: false });
  await using sql = await openSqlConnection(ctx, cluster.connection);
  const check = hostChecks.find(({ name }) => name === 'data directory');
  // as on a machine where the server does not run: the same questions, other files at that path
  const findAt = async (dataDirectory: string) =>
    check?.run(
      {
        sql,
        connection: cluster.connection,
        options: pushing,
        server: await readServerFacts(sql),
        settings: { data_directory: dataDirectory },
        slots: [],
        role: await readRole(sql),
      },
      ctx,
    );
  expect(await findAt(cluster.dataDirectory)).toMatchObject({ status: 'ok' });
  expect(await findAt('/nowhere')).toMatchObject({
    status: 'failed',
    hint: expect.stringContaining('another machine'),
  });
  const otherCluster = expect.stringContaining('holds another cluster');
  expect(await findAt(other.dataDirectory)).toMatchObject({ status: 'failed', found: otherCluster });
  await truncate(join(other.dataDirectory, 'global/pg_control'), 100);
  expect(await findAt(other.dataDirectory)).toMatchObject({ status: 'inconclusive' });
});

test('advice about native incremental backups', async () => {
  await using cluster = await healthyCluster({ summarize_wal: true });
  const { status, hint } = await checkOf('summarize_wal', cluster, pushing);
  expect([status, hint]).toEqual(['ok', expect.stringContaining('pg_visibility')]);
});
