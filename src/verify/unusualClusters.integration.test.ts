import { expect, test } from 'vitest';
import { ProofBench } from '../testing/proofBench.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { makeStandby } from '../testing/standby.ts';
import { makeTable, problemsOf, proveWith } from './fixture/prove.ts';

test('a cluster whose superuser has another name, and in which nobody may be called postgres', async () => {
  await using cluster = await createCluster();
  await cluster.sql('create role helper superuser login');
  {
    await using helper = await cluster.connect({ user: 'helper' });
    await helper.query('alter role postgres rename to "the boss"');
  }
  await using bench = await ProofBench.open();
  await bench.backup(cluster, { connection: { ...cluster.connection, user: 'helper' } });
  const { proof } = await proveWith(bench, { level: 4 });
  expect(problemsOf(proof)).toEqual([]);
});

test('settings that would load libraries, follow a primary, archive or run logical replication do nothing', async () => {
  await using cluster = await createCluster({ settings: { wal_level: 'logical', max_connections: 30 } });
  await cluster.sql(`
    create table t (id int);
    create subscription s connection 'host=192.0.2.1 dbname=x connect_timeout=1' publication p
      with (connect = false, slot_name = none)`);
  for (const setting of [
    `archive_command = 'touch /tmp/understudy-must-not-exist'`,
    `archive_mode = 'on'`,
    `shared_preload_libraries = 'not_there'`,
    `synchronous_standby_names = 'somebody'`,
    `max_connections = 20`,
  ]) {
    await cluster.sql(`alter system set ${setting}`);
  }
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(problemsOf(proof)).toEqual([]);
});

test('a backup that was taken from a standby', async () => {
  await using primary = await createCluster({ major: 16 });
  await makeTable(primary);
  await using standby = await makeStandby(primary);
  await primary.sql('create table newest as select 1 as id; checkpoint');
  await using bench = await ProofBench.open();
  const { record } = await bench.backup(standby);
  expect(record.fromStandby).toBe(true);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(problemsOf(proof)).toEqual([]);
  expect(bench.sandboxes()).toEqual([]);
});

test('with a part of the data, and of the indexes, no more is read than was asked for', async () => {
  await using cluster = await createCluster();
  await makeTable(cluster);
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof } = await proveWith(bench, { level: 4, subset: { kind: 'percent', percent: 10 } });
  expect(problemsOf(proof)).toEqual([]);
  const actual = Object.fromEntries(proof.checks.map((check) => [check.name, check.actual ?? '']));
  const [, read, all] = /^(\d+) of (\d+) files/.exec(actual['data']!)!;
  expect(Number(read)).toBe(Math.floor(Number(all) / 10));
  const [, indexes, deep] = /^(\d+) indexes, of (\d+) every row/.exec(actual['indexes']!)!;
  expect(Number(deep)).toBeLessThan(Number(indexes) / 2);
});
