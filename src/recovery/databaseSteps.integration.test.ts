import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { createCluster, existingCluster } from '../testing/postgresServer.ts';
import { ProofBench } from '../testing/proofBench.ts';
import { runStep } from './fixture/stepRun.ts';

describe('sql', () => {
  test('a statement is read-only unless the plan says otherwise, and its result is looked at', async () => {
    await using cluster = await createCluster();
    await cluster.sql('create table event (id int, name text); insert into event values (1, $$Anna$$), (2, $$Bert$$)');
    const secrets = { dsn: `postgresql://postgres@/postgres?host=${encodeURIComponent(cluster.directory)}` };
    const connection = '${dsn}';
    const sql = (statement: string, more: object = {}) =>
      runStep({ kind: 'sql', connection, statement, ...more }, { secrets });
    expect(await sql('select * from event', { expect: { rows: 2 } })).toMatchObject({ facts: { rows: 2 } });
    await sql('select count(*) from event', { expect: { value: 2, atLeast: 2 } });
    await sql('select true', { expect: { value: true } });
    await expect(sql('select count(*) from event', { expect: { atLeast: 3 } })).rejects.toMatchObject({
      code: 'step-failed',
      message: 'the statement returned something else: expected at least 3, found 2',
    });
    await expect(sql('select name from event where id = 3', { expect: { value: 'Carl' } })).rejects.toThrow('no row');
    const other = await sql('select name from event where id = 1', { expect: { value: 'Carl' } }).catch(String);
    expect(other).toContain('found another value');
    expect(other).not.toContain('Anna');
    const cast = await sql('select name::int from event').catch(String);
    expect(cast).toContain('SQLSTATE 22P02');
    expect(cast).not.toContain('Anna');
    await expect(sql('delete from event')).rejects.toThrow('read-only transaction');
    await expect(sql('commit; delete from event')).rejects.toThrow('read-only transaction');
    await expect(sql('select 1; select 2')).rejects.toMatchObject({ code: 'plan-invalid' });
    await expect(sql('select pg_sleep(60)', { statementTimeout: '100ms' })).rejects.toThrow('statement timeout');
    await sql('delete from event where id = 1', { write: true });
    const services = { connection: () => Promise.resolve(cluster.connection) };
    const statement = 'select id from event';
    await runStep({ kind: 'sql', source: 'main', statement, expect: { rows: 1, value: 2 } }, { services });
  });
});

describe('restore-cluster', () => {
  test('a backup is restored and recovered, also when the first attempt was cut short', async () => {
    await using bench = await ProofBench.open();
    await using cluster = await createCluster();
    await cluster.sql('create table event as select generate_series(1, 100) as id');
    const { snapshot } = await bench.backup(cluster);
    const [row] = await cluster.sql<{ id: string }>('select system_identifier::text as id from pg_control_system()');
    const cut = new AbortController();
    const services = {
      repository: () => bench.openRepository(),
      postgresBinaries: () => {
        if (!cut.signal.aborted) cut.abort(new Error('killed before it recovered'));
        return Promise.resolve([]);
      },
    };
    const step = { kind: 'restore-cluster', destination: 'restored', target: { immediate: true } };
    const options = { directory: bench.directory.path, services };
    const ctx = createContext({ signal: cut.signal });
    await expect(runStep(step, { ...options, ctx })).rejects.toThrow('killed before it recovered');
    expect(readdirSync(bench.directory.join('restored'))).toContain('PG_VERSION');
    const result = await runStep(step, { ...options, attempt: 2 });
    const dataDirectory = bench.directory.join('restored');
    expect(result.facts).toMatchObject({
      flaw: null,
      restoredAt: expect.stringMatching(/Z$/),
      snapshot: snapshot.id,
      source: 'main',
      systemIdentifier: row?.id,
      dataDirectory,
    });
    await expect(runStep(step, { ...options, attempt: 3 })).rejects.toMatchObject({ code: 'destination-not-empty' });
    await using restored = await existingCluster({ dataDirectory });
    await restored.start();
    expect(await restored.sql('select count(*)::int as n from event')).toEqual([{ n: 100 }]);
  });

  test('a backup with a damaged page is restored, and the step tells that it is not whole', async () => {
    await using bench = await ProofBench.open();
    await using cluster = await createCluster();
    await cluster.sql('create table event as select generate_series(1, 5000) as id; checkpoint');
    const [file] = await cluster.sql<{ path: string }>(`select pg_relation_filepath('event') as path`);
    await cluster.stop();
    const fd = openSync(join(cluster.dataDirectory, file?.path ?? ''), 'r+');
    writeSync(fd, Buffer.alloc(16, 0x5a), 0, 16, 8192 * 3 + 4000);
    closeSync(fd);
    await cluster.start();
    await bench.backup(cluster);
    const services = { repository: () => bench.openRepository(), postgresBinaries: () => Promise.resolve([]) };
    const step = { kind: 'restore-cluster', destination: 'restored', target: { immediate: true } };
    const { facts } = await runStep(step, { directory: bench.directory.path, services });
    expect(facts).toMatchObject({ flaw: 'it has pages with wrong checksums' });
  });
});
