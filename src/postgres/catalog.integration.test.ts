import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { createCluster, giveToServer } from '../testing/postgresServer.ts';
import {
  readOutsideFiles,
  readReplicationSlots,
  readRole,
  readServerFacts,
  readSettings,
  readTablespaces,
} from './catalog.ts';
import { readDatabases, readExtensions, readUsedCollations } from './databaseCatalog.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();

test.each(postgresMajors)('PostgreSQL %i tells what a backup must know', async (major) => {
  await using cluster = await createCluster({
    major,
    tablespaces: ['fast'],
    settings: { max_slot_wal_keep_size: '1GB' },
  });
  await cluster.sql(`select pg_create_physical_replication_slot('keeper', true)`);
  await cluster.sql('create database "My App"');
  await cluster.sql('create extension amcheck');
  await cluster.sql('create table names (name text collate "en-x-icu")');
  await using sql = await openSqlConnection(ctx, cluster.connection);

  const facts = await readServerFacts(sql);
  const [own] = await cluster.sql<{ id: string }>('select system_identifier::text as id from pg_control_system()');
  expect(facts).toMatchObject({ major, timeline: 1, inRecovery: false });
  expect(BigInt.asIntN(64, facts.systemIdentifier)).toBe(BigInt(own?.id ?? ''));
  expect(facts.version).toMatch(new RegExp(`^${major}\\.`));

  const settings = await readSettings(sql);
  expect(settings).toMatchObject({
    wal_level: 'replica',
    data_checksums: 'on',
    wal_segment_size: '16777216',
    block_size: '8192',
    data_directory: cluster.dataDirectory,
    max_slot_wal_keep_size: '1024',
  });
  expect('summarize_wal' in settings).toBe(major >= 17);
  expect('archive_library' in settings).toBe(major >= 15);

  expect((await readTablespaces(sql)).at(-1)).toMatchObject({
    name: 'fast',
    location: join(cluster.directory, 'tablespace-fast'),
    inPlace: false,
  });
  expect(await readReplicationSlots(sql)).toMatchObject([
    { name: 'keeper', kind: 'physical', active: false, temporary: false, walStatus: 'reserved' },
  ]);
  expect(await readRole(sql)).toEqual({
    name: 'postgres',
    superuser: true,
    replication: true,
    backupFunctions: true,
    monitor: true,
  });
  const databases = await readDatabases(sql);
  expect(databases.map(({ name }) => name)).toEqual(['template1', expect.stringMatching(/./), 'postgres', 'My App']);
  expect(databases.at(-1)).toMatchObject({ allowsConnections: true, isTemplate: false, encoding: 'UTF8' });
  expect(databases.at(-1)?.sizeBytes).toBeGreaterThan(1_000_000n);
  expect(await readExtensions(sql)).toEqual([
    expect.objectContaining({ name: 'amcheck', schema: 'public' }),
    expect.objectContaining({ name: 'plpgsql', schema: 'pg_catalog' }),
  ]);
  const [collation, ...more] = await readUsedCollations(sql);
  expect(more).toEqual([]);
  expect(collation).toMatchObject({ schema: 'pg_catalog', name: 'en-x-icu', provider: 'icu' });
  expect(collation?.version).toBe(collation?.actualVersion);
});

test.each(postgresMajors)('PostgreSQL %i tells an ordinary role what it may know', async (major) => {
  await using cluster = await createCluster({ major });
  await cluster.sql('create database closed');
  await cluster.sql('create role backup login replication; revoke connect on database closed from public');
  const connection = { ...cluster.connection, user: 'backup' };
  {
    await using sql = await openSqlConnection(ctx, connection);
    expect((await readServerFacts(sql)).major).toBe(major);
    expect(await readSettings(sql)).not.toHaveProperty('data_directory');
    expect(await readOutsideFiles(sql)).toBeUndefined();
    expect((await readDatabases(sql)).find(({ name }) => name === 'closed')?.sizeBytes).toBeUndefined();
    const expected = { superuser: false, replication: true, backupFunctions: false, monitor: false };
    expect(await readRole(sql)).toMatchObject(expected);
  }
  const functions =
    major >= 15
      ? 'pg_backup_start(text, boolean), pg_backup_stop(boolean)'
      : 'pg_start_backup(text, boolean, boolean), pg_stop_backup(boolean, boolean)';
  await cluster.sql(`grant execute on function ${functions} to backup`);
  await cluster.sql('grant pg_monitor, pg_read_all_settings to backup');
  await using sql = await openSqlConnection(ctx, connection);
  expect(await readRole(sql)).toMatchObject({ backupFunctions: true, monitor: true });
  expect(await readOutsideFiles(sql)).toEqual([]);
});

test('configuration outside the data directory is listed', async () => {
  await using cluster = await createCluster({ start: false });
  const outside = join(cluster.directory, 'etc');
  await mkdir(outside);
  await giveToServer(outside);
  await rename(join(cluster.dataDirectory, 'pg_hba.conf'), join(outside, 'pg_hba.conf'));
  await cluster.configure({ hba_file: join(outside, 'pg_hba.conf') });
  await cluster.start();
  await using sql = await openSqlConnection(ctx, cluster.connection);
  expect(await readOutsideFiles(sql)).toEqual([join(outside, 'pg_hba.conf')]);
});

test.each([15, 16, 17, 18] as const)('PostgreSQL %i: a tablespace in place has no location', async (major) => {
  await using cluster = await createCluster({ major });

  await using session = await cluster.connect();
  await session.query('set allow_in_place_tablespaces = on');
  await session.query(`create tablespace inside location ''`);
  await using sql = await openSqlConnection(ctx, cluster.connection);
  expect((await readTablespaces(sql)).at(-1)).toMatchObject({ name: 'inside', location: undefined, inPlace: true });
});
