import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProofBench } from '../testing/proofBench.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { parseRecoveryTarget, type TargetWords } from '../restore/recoveryTarget.ts';
import type { Cluster } from '../testing/postgresServer.ts';
import { fingerprint } from './fixture/fingerprint.ts';
import { failed, problemsOf, proveWith } from './fixture/prove.ts';
import type { WantedTarget } from './recoveryRoute.ts';

/** Containers often allow it to nobody. */
const isolated = spawnSync('unshare', ['--mount', '--net', '--map-root-user', 'true']).status === 0;

function segmentPaths(bench: ProofBench): string[] {
  const wal = join(bench.repositoryPath, 'wal');
  return readdirSync(wal, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/[0-9A-F]{24}$/.test(name))
    .toSorted()
    .map((name) => join(wal, name));
}

/** Some rows and some WAL segments behind a backup. */
async function laterWal(bench: ProofBench, cluster: Cluster): Promise<void> {
  await cluster.sql('create table later as select g as id from generate_series(1, 100) g');
  for (let segment = 0; segment < 4; segment++)
    await cluster.sql('insert into later values (0); select pg_switch_wal()');
  await bench.archiveAll(cluster);
}

describe.each([{ major: 13 as const }, { major: 18 as const }])('PostgreSQL $major', ({ major }) => {
  test.skipIf(!isolated)(
    'recovers to the newest archived point beside the original, tablespaces made meanwhile included',
    async () => {
      await using bench = await ProofBench.open();
      await using cluster = await bench.createArchiving({ major, tablespaces: ['before'] });
      await cluster.sql('create table early tablespace before as select g as id from generate_series(1, 10) g');
      await bench.backup(cluster);
      const made = await cluster.createTablespace('after');
      await cluster.sql('create table placed tablespace after as select g as id from generate_series(1, 50) g');
      await laterWal(bench, cluster);
      await cluster.sql('checkpoint');
      await cluster.stop();
      const original = [...fingerprint(made), ...fingerprint(cluster.dataDirectory)];
      const { proof } = await proveWith(bench, { level: 4 });
      expect(problemsOf(proof)).toEqual([]);
      expect(proof.recovery).toMatchObject({ target: 'the newest point', isolation: { mounts: true, network: true } });
      const rows = Object.fromEntries(proof.tables.map((table) => [table.name, table.rows]));
      expect(rows).toEqual({ 'public.early': 10, 'public.later': 104, 'public.placed': 50 });
      expect([...fingerprint(made), ...fingerprint(cluster.dataDirectory)]).toEqual(original);
      expect(bench.sandboxes()).toEqual([]);
    },
  );
});

test('recovers to a position that is asked for, and not past it', async () => {
  await using bench = await ProofBench.open();
  await using cluster = await bench.createArchiving();
  await bench.backup(cluster);
  await cluster.sql('create table t as select 1 as id');
  const [row] = await cluster.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  await cluster.sql('insert into t values (2)');
  await bench.archiveAll(cluster);
  const target = { kind: 'lsn', lsn: parseLsn(row!.lsn) } as const;
  const { proof } = await proveWith(bench, { level: 4, target: { target, inclusive: true, timeline: 'latest' } });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof.tables).toEqual([expect.objectContaining({ name: 'public.t', rows: 1 })]);
});

test('a target chooses the backup that a restore would begin from; one that nothing reaches is no fault of a backup', async () => {
  await using bench = await ProofBench.open();
  await using cluster = await bench.createArchiving();
  const now = async (): Promise<string> => {
    const [row] = await cluster.sql<{ time: string }>('select clock_timestamp()::text as time');
    return row!.time;
  };
  const before = await now();
  const first = await bench.backup(cluster);
  await cluster.sql('create table t as select 1 as id');
  await cluster.sql(`select pg_create_restore_point('made')`);
  const between = await now();
  await cluster.sql('insert into t values (2)');
  await bench.backup(cluster);
  await bench.archiveAll(cluster);
  const prove = (words: TargetWords, timeline: WantedTarget['timeline'] = 'latest') =>
    proveWith(bench, { level: 4, target: { target: parseRecoveryTarget(words), inclusive: true, timeline } });
  for (const words of [{ time: between }, { name: 'made' }]) {
    const { proof } = await prove(words);
    expect(problemsOf(proof)).toEqual([]);
    expect(proof).toMatchObject({ verdict: 'passed', snapshot: { id: first.snapshot.id } });
    expect(proof.tables).toEqual([expect.objectContaining({ name: 'public.t', rows: 1 })]);
  }
  const outside = { code: 'target-outside-window' };
  await expect(prove({ time: before })).rejects.toMatchObject(outside);
  await expect(prove({ time: '2200-01-01 00:00:00+00' })).rejects.toMatchObject(outside);
  await expect(prove({ name: 'never made' })).rejects.toMatchObject(outside);
  await expect(prove({}, toTimelineId(9))).rejects.toMatchObject(outside);
  expect(bench.sandboxes()).toEqual([]);
});

test('a missing segment is named by level 3, a damaged one stops the recovery of level 4', async () => {
  await using bench = await ProofBench.open();
  await using cluster = await bench.createArchiving();
  await bench.backup(cluster);
  await laterWal(bench, cluster);
  const paths = segmentPaths(bench);
  const middle = paths.at(-3) ?? '';
  const original = readFileSync(middle);

  rmSync(middle);
  const missing = await proveWith(bench, { level: 4 });
  expect(failed(missing.proof)).toEqual([expect.objectContaining({ name: 'archived WAL', level: 3 })]);
  expect(failed(missing.proof)[0]!.detail).toEqual([`${middle.slice(-24)} is missing`]);

  const target = { target: { kind: 'immediate' }, inclusive: true, timeline: 'latest' } as const;
  const before = await proveWith(bench, { level: 4, target });
  expect(before.proof.verdict).toBe('passed');
  expect(problemsOf(before.proof)).toEqual([expect.stringMatching(/^archived WAL: warning/)]);

  const flipped = Buffer.from(original);
  flipped[flipped.length >> 1]! ^= 1;
  writeFileSync(middle, flipped);
  const damaged = await proveWith(bench, { level: 4 });
  expect(damaged.proof.verdict).toBe('failed');
  expect(failed(damaged.proof)).toEqual([expect.objectContaining({ name: 'recovery' })]);
  expect(failed(damaged.proof)[0]!.actual).toContain(middle.slice(bench.repositoryPath.length + 1));
  expect(bench.sandboxes()).toEqual([]);
});
