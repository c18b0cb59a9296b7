import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { parseLsn } from './lsn.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();

test('values keep their full precision', async () => {
  await using cluster = await createCluster();
  await using sql = await openSqlConnection(ctx, cluster.connection);
  const row = await sql.queryOne(
    `SELECT $1::int8 AS big, '16/B374D848'::pg_lsn AS lsn, 5::oid AS oid, 1.10::numeric AS price,
      '2026-11-21 10:42:00.123456+01'::timestamptz AS at, '{"a": [1]}'::jsonb AS doc, '\\x0001'::bytea AS raw,
      NULL AS nothing, current_setting('search_path') AS path`,
    [9_007_199_254_740_993n],
  );
  expect(row).toEqual({
    big: 9_007_199_254_740_993n,
    lsn: parseLsn('16/B374D848'),
    oid: 5,
    price: '1.10',
    at: '2026-11-21 09:42:00.123456+00',
    doc: { a: [1] },
    raw: Buffer.from([0, 1]),
    nothing: null,
    path: '',
  });
  expect([sql.major, Number.parseInt(sql.serverVersion, 10)]).toEqual([15, 15]);
});

test.each([13, 15, 18] as const)('no time-out of PostgreSQL %i ends a session of ours', async (major) => {
  await using cluster = await createCluster({ major });
  const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
  if (major >= 14) names.push('idle_session_timeout');
  if (major >= 17) names.push('transaction_timeout');
  for (const name of names) await cluster.sql(`alter role postgres set ${name} = '1h'`);
  await using sql = await openSqlConnection(ctx, cluster.connection);
  const rows = await sql.query(`SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name`, [names]);
  expect(rows).toEqual(names.toSorted().map((name) => ({ name, setting: '0' })));
});

test('an error leaves the session usable, and its SQLSTATE is told', async () => {
  await using cluster = await createCluster();
  await using sql = await openSqlConnection(ctx, cluster.connection);
  const failing = expect(sql.query('SELECT * FROM nowhere')).rejects;
  const told = failing.toMatchObject({ code: 'postgres-protocol', detail: { sqlstate: '42P01' } });
  const next = sql.query('SELECT 1 AS one');
  await told;
  expect(await next).toEqual([{ one: 1 }]);
  await expect(sql.queryOne('SELECT 1 WHERE false')).rejects.toMatchObject({ code: 'postgres-protocol' });
  await cluster.sql('create role nobody');
  await sql.query('SET ROLE nobody');
  await expect(sql.query("SELECT pg_read_file('PG_VERSION')")).rejects.toMatchObject({ code: 'postgres-denied' });
});

test('a session that is ended, and one that is aborted, say why', async () => {
  await using cluster = await createCluster();
  await using sql = await openSqlConnection(ctx, { ...cluster.connection, applicationName: 'victim' });
  const waiting = expect(sql.query('SELECT pg_sleep(60)')).rejects;
  const told = waiting.toMatchObject({ code: 'postgres-unreachable', detail: { sqlstate: '57P01' } });
  await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'");
  await told;
  await expect(sql.query('SELECT 1')).rejects.toMatchObject({ code: 'postgres-unreachable' });

  const controller = new AbortController();
  await using aborted = await openSqlConnection({ ...ctx, signal: controller.signal }, cluster.connection);
  const endless = expect(aborted.query('SELECT pg_sleep(60)')).rejects.toThrow('no longer wanted');
  controller.abort(new Error('no longer wanted'));
  await endless;
});

test('closing does not wait for a server that has gone silent', async () => {
  await using cluster = await createCluster();
  const sql = await openSqlConnection(ctx, cluster.connection);
  const { pid } = await sql.queryOne<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(pid, 'SIGSTOP');
  try {
    await sql[Symbol.asyncDispose]();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}, 10_000);

test('a server that stops cuts the session', async () => {
  await using cluster = await createCluster();
  await using sql = await openSqlConnection(ctx, cluster.connection);
  await cluster.kill9();
  await expect(sql.query('SELECT 1')).rejects.toMatchObject({ code: 'postgres-unreachable' });
});
