// needs PostgreSQL's client programs
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dumpBench } from '../../testing/dumpBench.ts';
import { createCluster } from '../../testing/postgresServer.ts';
import { ProofBench, benchPassword } from '../../testing/proofBench.ts';
import { passwordText } from '../../testing/repositories.ts';
import { serverUser } from '../../testing/serverUser.ts';
import { PlanBench } from './fixture/planBench.ts';

const url = '${url}';

test('a plan brings a table and a database back from a dump, and looks at them', async () => {
  await using cluster = await createCluster();
  await cluster.sql('create table event as select generate_series(1, 50) as id');
  await using dumps = await dumpBench(cluster);
  const { snapshot } = await dumps.backup();
  await cluster.sql('delete from event where id > 20');
  await using bench = await PlanBench.open();
  const parameters = { url: { description: 'server', secret: true, environment: 'TARGET_URL' } };
  const path = bench.plan('database', {
    parameters,
    objective: { rto: '1h', rpo: '1h' },
    steps: [
      { id: 'table', title: 'Table', kind: 'restore-table', connection: url, tables: ['event'] },
      {
        id: 'database',
        title: 'Database',
        kind: 'restore-database',
        connection: url,
        databases: ['postgres'],
        into: 'b',
      },
      {
        id: 'beside',
        title: 'Rows',
        kind: 'sql',
        needs: ['table', 'database'],
        connection: url,
        statement: 'select count(*) from event_restored',
        expect: { value: 50 },
      },
      {
        id: 'new',
        title: 'New database',
        kind: 'sql',
        needs: ['beside'],
        connection: url,
        statement: "select count(*) from pg_database where datname = 'b'",
        expect: { value: 1 },
      },
    ],
  });
  const environment = {
    TARGET_URL: `postgresql://postgres@/postgres?host=${encodeURIComponent(cluster.directory)}`,
    UNDERSTUDY_REPOSITORY: dumps.path('repository'),
    UNDERSTUDY_PASSWORD: passwordText,
  };
  const { status, output } = await bench.run(['plan', 'run', path, '--runs', bench.runs], environment);
  expect(output).toContain('the run is over: passed');
  expect(status).toBe(0);
  expect(await cluster.sql('select count(*)::int as n from event')).toEqual([{ n: 20 }]);
  const { backups, result, timeline } = bench.evidence();
  expect(backups).toMatchObject([
    { step: 'table', snapshot: snapshot.id, restoredRows: 50, backupKind: 'dump', candidates: [{ chosen: true }] },
    { step: 'database', snapshot: snapshot.id, location: expect.stringContaining('local:'), startLsn: null },
  ]);
  expect(timeline.steps.slice(0, 2).map(({ facts }) => facts)).toMatchObject([
    { tables: 'public.event_restored', notMade: null },
    { databases: 'b', tables: 1 },
  ]);
  expect(result).toMatchObject({ rtoMet: true, rpoMet: true });
});

test('the monthly test and a table are rehearsed from the newest backup with its WAL, and leave nothing there', async () => {
  await using proofs = await ProofBench.open();
  await using cluster = await proofs.createArchiving();
  const { snapshot } = await proofs.backup(cluster);
  await cluster.sql('create table event as select generate_series(1, 50) as id');
  await proofs.archiveAll(cluster);
  const user = serverUser();
  if (user !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, proofs.repositoryPath]);
  await using bench = await PlanBench.open();
  const environment = { UNDERSTUDY_REPOSITORY: proofs.repositoryPath, UNDERSTUDY_PASSWORD: benchPassword };
  const words = ['drill', 'run', 'monthly-restore-test', '--runs', bench.runs, '--scratch', bench.sandboxes];
  const { status, output } = await bench.run(words, environment);
  expect(output).toContain('the run is over: passed');
  expect(status).toBe(0);
  const { backups, result } = bench.evidence();
  expect(backups).toMatchObject([{ step: 'restore', snapshot: snapshot.id, source: 'main' }]);
  expect(Date.parse(result.recoveredTo ?? '')).toBeGreaterThan(Number(snapshot.time.ns / 1_000_000n));
  expect(result).toMatchObject({ rtoMet: true, rpoMet: true });
  const bad = await bench.run([...words, '--set', 'checksums=/bin/false'], environment);
  expect(bad).toMatchObject({ status: 1, output: expect.stringContaining('the run is over: failed') });
  // the server is not there: only the name of the database is taken from its URI
  const live = { ...environment, DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/postgres' };
  const places = ['--runs', bench.runs, '--scratch', bench.sandboxes];
  const table = await bench.run(['drill', 'run', 'table-recovery', '--set', 'table=public.event', ...places], live);
  expect(table.output).toContain('restored public.event_restored');
  expect(table.status).toBe(0);
  expect(bench.evidence()).toMatchObject({
    target: { isolation: expect.stringContaining('removed') },
    result: { restoredRows: 50, rpoMet: true },
    backups: [{ kind: 'restore-table', snapshot: snapshot.id, startLsn: expect.any(String) }],
    stepsNotRun: [{ id: 'decide' }],
  });
  expect(await cluster.sql('select count(*)::int as n from event')).toEqual([{ n: 50 }]);
  expect(readdirSync(bench.sandboxes)).toEqual([]);
});
