import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { prune } from '../retention/prune.ts';
import { ProofBench } from '../testing/proofBench.ts';
import { problemsOf, proveWith } from './fixture/prove.ts';

test('a backup from before the recovery window is proved up to its own end', async () => {
  await using bench = await ProofBench.open();
  await using cluster = await bench.createArchiving();
  await cluster.sql('create table t as select 1 as id');
  const { snapshot } = await bench.backup(cluster);
  await cluster.sql('insert into t values (2); select pg_switch_wal()');
  await bench.backup(cluster);
  await cluster.sql('insert into t values (3)');
  await bench.archiveAll(cluster);
  const { wal } = await prune(createContext(), await bench.openRepository(), { repack: {}, wal: { windowMs: 0 } });
  expect(wal[0]?.plan?.remove.length).toBeGreaterThan(0);
  const { proof } = await proveWith(bench, { level: 4, selector: { text: snapshot.id } });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof.tables).toEqual([expect.objectContaining({ name: 'public.t', rows: 1 })]);
  expect(proof.checks.find(({ name }) => name === 'archived WAL')?.detail).toEqual([
    'the WAL behind this backup has expired: recovery ends with the backup',
  ]);
});
