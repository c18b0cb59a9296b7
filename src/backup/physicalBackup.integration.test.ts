// needs PostgreSQL's client programs
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { makeStandby } from '../testing/standby.ts';
import { needs } from '../testing/needs.ts';
import { backupBench, startRestored } from './fixture/physical.ts';
import { tableHashes } from '../testing/tableHashes.ts';

const run = promisify(execFile);

/** Tables of every kind that a physical backup treats differently. */
async function fill(cluster: Cluster): Promise<void> {
  await cluster.sql(`
    create table plain as select g as id, md5(g::text) as text from generate_series(1, 20000) g;
    create index on plain (text);
    create table "Spaces ""and"" quotes ü" as select 1 as id;
    create table empty_table (id int);
    create unlogged table not_logged as select g from generate_series(1, 1000) g;
    create table wide as select g as id, repeat(md5(g::text), 300) as text from generate_series(1, 500) g;
    checkpoint`);
  await cluster.sql(`create database "other ü"`);
}

async function verifyManifest(dataDirectory: string, major: number): Promise<void> {
  // the checker of 15 reads WAL of 15 only
  const options = major === 15 ? [] : ['--no-parse-wal'];
  await run('/usr/lib/postgresql/15/bin/pg_verifybackup', [...options, dataDirectory]);
}

describe.each(postgresMajors.map((major) => ({ major })))('PostgreSQL $major', ({ major }) => {
  needs('restic')('both methods restore with stock restic, and an incremental one too', async () => {
    await using cluster = await createCluster({ major });
    await using bench = await backupBench();
    await fill(cluster);
    const first = await bench.backup(cluster);
    expect(first.record).toMatchObject({ rehashed: true, parent: null, dataChecksums: true, fromStandby: false });
    expect(first.record.pages).toMatchObject({ badCount: 0 });
    expect(first.record.pages.verified).toBeGreaterThan(1000);

    await cluster.sql(`update plain set text = 'changed' where id % 1000 = 0; insert into empty_table values (7)`);
    const before = await tableHashes(cluster);
    const second = await bench.backup(cluster);
    expect(second.record).toMatchObject({ rehashed: false, parent: first.snapshot.id });
    const streamed = await bench.backup(cluster, { method: 'stream', source: 'streamed' });

    for (const [snapshot, source] of [
      [second.snapshot.id, 'main'],
      [streamed.snapshot.id, 'streamed'],
    ] as const) {
      const dataDirectory = await bench.restoreWithRestic(snapshot, source);
      if (major <= 16) await verifyManifest(dataDirectory, major);
      await using restored = await startRestored(dataDirectory, major);
      expect(await tableHashes(restored)).toEqual({ ...before, 'public.not_logged': '0:0' });
      expect(await restored.sql('select count(*)::int as n from pg_database')).toEqual([{ n: 4 }]);
    }
  });

  needs('restic')('a backup taken from a standby under load starts consistently', async () => {
    await using primary = await createCluster({ major });
    await fill(primary);
    await using standby = await makeStandby(primary);
    await primary.sql('insert into plain select g, md5(g::text) from generate_series(100001, 120000) g; checkpoint');
    await primary.sql('create table newest as select 1 as id');
    await using bench = await backupBench();
    const { record, snapshot } = await bench.backup(standby);
    expect(record.fromStandby).toBe(true);
    const dataDirectory = await bench.restoreWithRestic(snapshot.id);
    if (major <= 16) await verifyManifest(dataDirectory, major);
    await using restored = await startRestored(dataDirectory, major);
    const [row] = await restored.sql<{ n: number }>('select count(*)::int as n from plain where id <= 20000');
    expect(row).toEqual({ n: 20_000 });
  });
});

test('tablespaces are stored in place, and the restored directory holds their tables', async () => {
  await using cluster = await createCluster({ tablespaces: ['fast disk', 'ü'] });
  await cluster.sql(`
    create table in_space tablespace "fast disk" as select g as id from generate_series(1, 5000) g;
    create table in_other tablespace "ü" as select g as id from generate_series(1, 700) g; checkpoint`);
  const before = await tableHashes(cluster);
  await using bench = await backupBench();
  for (const method of ['files', 'stream'] as const) {
    const { record, snapshot } = await bench.backup(cluster, { method, source: method });
    expect(record.tablespaces.map((space) => space.name).toSorted()).toEqual(['fast disk', 'ü']);
    const dataDirectory = await bench.restoreWithRestic(snapshot.id, method);
    await verifyManifest(dataDirectory, 15);
    await using restored = await startRestored(dataDirectory, 15, { allow_in_place_tablespaces: true });
    expect(await tableHashes(restored)).toEqual(before);
  }
});

test('a page damaged on disk is found and named, by both methods', async () => {
  await using cluster = await createCluster();
  await cluster.sql(
    `create table t as select g as id, md5(g::text) as text from generate_series(1, 20000) g; checkpoint`,
  );
  const [{ path }] = (await cluster.sql<{ path: string }>(`select pg_relation_filepath('t') as path`)) as [
    { path: string },
  ];
  await cluster.stop();
  await run('dd', [
    `of=${join(cluster.dataDirectory, path)}`,
    'if=/dev/urandom',
    'bs=1',
    'count=16',
    `seek=${8192 * 3 + 4000}`,
    'conv=notrunc',
  ]);
  await cluster.start();
  await using bench = await backupBench();
  for (const method of ['files', 'stream'] as const) {
    const { record } = await bench.backup(cluster, { method, source: method });
    expect(record.pages).toMatchObject({ badCount: 1, bad: [{ path, block: 3 }] });
  }
});

test('a backup of another cluster than the directory is refused', async () => {
  await using one = await createCluster();
  await using two = await createCluster();
  await using bench = await backupBench();
  await expect(bench.backup(one, { dataDirectory: two.dataDirectory })).rejects.toMatchObject({
    code: 'cluster-mismatch',
  });
});

test('content that the repository lost, and a parent that is damaged, are read again', async () => {
  await using cluster = await createCluster();
  await fill(cluster);
  await using bench = await backupBench();
  const first = await bench.backup(cluster);
  // all data packs are gone, and the index knows it: what `restic repair` or a prune of a damaged repository leaves
  await run('bash', ['-c', `rm -rf ${bench.repositoryPath}/data/* ${bench.repositoryPath}/index/*`]);
  const second = await bench.backup(cluster);
  expect(second.record).toMatchObject({ rehashed: true, parent: null });
  expect(second.snapshot.id).not.toBe(first.snapshot.id);
  await using restored = await startRestored(await bench.restoreWithRestic(second.snapshot.id), 15);
  expect(await tableHashes(restored)).toEqual({ ...(await tableHashes(cluster)), 'public.not_logged': '0:0' });
});
