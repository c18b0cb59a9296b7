import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { type Cluster, createCluster } from '../testing/postgresServer.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import { refusal } from './fixture/refusal.ts';
import { openReplicationConnection } from './replicationConnection.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();
const password = 'geheimes Wort';

/** pg_hba.conf: who may come how is the subject of this file. */
const rules = `
local   all          postgres                    trust
local   replication  postgres                    trust
host    replication  streamer     127.0.0.1/32   scram-sha-256
host    postgres     hosted       127.0.0.1/32   scram-sha-256
`;

let cluster: Cluster;
let streamer: ConnectionOptions;

beforeAll(async () => {
  cluster = await createCluster({ major: 17, tcp: true, start: false });
  writeFileSync(join(cluster.dataDirectory, 'pg_hba.conf'), rules);
  await cluster.start();
  for (const role of ['streamer', 'hosted']) {
    await cluster.sql(`create role ${role} login replication password '${password}'`);
  }
  streamer = { host: '127.0.0.1', port: cluster.port, user: 'streamer', password: new Secret(password) };
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

test('wrong and missing password', async () => {
  const wrong = await refusal({ ...streamer, password: new Secret('geheim?') });
  expect(wrong).toMatchObject({ code: 'postgres-denied', detail: { sqlstate: '28P01' } });
  const { password: _, ...without } = streamer;
  expect((await refusal(without)).message).toContain('no password');
});

test('closed port, unknown host, missing socket', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  for (const host of ['127.0.0.1', 'localhost', 'no-such-host.invalid', '/nowhere']) {
    expect((await refusal({ ...streamer, host, port })).code).toBe('postgres-unreachable');
  }
});

test('a listener that never answers, and one that is not PostgreSQL', async () => {
  await using silent = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(
    0,
    '127.0.0.1',
  );
  await using chatty = createServer((socket) => void socket.resume().end('SSH-2.0-OpenSSH_9.2\r\n')).listen(
    0,
    '127.0.0.1',
  );
  for (const server of [silent, chatty]) {
    if (!server.listening) await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const error = await refusal({ ...streamer, host: '127.0.0.1', port, connectTimeoutMs: 300 });
    expect(error.code).toBe('postgres-unreachable');
  }
});

test('no replication line in pg_hba.conf is explained, and got round by a database', async () => {
  const hosted = { ...streamer, user: 'hosted' };
  const error = await refusal(hosted);
  expect(error).toMatchObject({ code: 'postgres-denied', detail: { sqlstate: '28000' } });
  expect(error.hint).toContain('`replication`');
  await using connection = await openReplicationConnection(ctx, { ...hosted, database: 'postgres' });
  expect(await connection.show('wal_level')).toBe('replica');
  await connection.createPhysicalSlot('through_a_database', { temporary: true });
});

test('unknown database and missing attribute', async () => {
  const unknown = openSqlConnection(ctx, { ...cluster.connection, database: 'nobody' });
  await expect(unknown).rejects.toMatchObject({ code: 'not-found' });
  await cluster.sql('alter role hosted noreplication');
  const error = await refusal({ ...streamer, user: 'hosted', database: 'postgres' });
  await cluster.sql('alter role hosted replication');
  expect(error.code).toBe('postgres-denied');
});

test('the environment of libpq is not consulted', async () => {
  const before = { ...process.env };
  Object.assign(process.env, { PGPASSWORD: password, PGOPTIONS: '-c work_mem=1', PGREPLICATION: 'true' });
  try {
    const { password: _, ...without } = streamer;
    expect((await refusal(without)).message).toContain('no password');
    await using sql = await openSqlConnection(ctx, { ...cluster.connection, applicationName: 'mine' });
    const row = await sql.queryOne("SELECT current_setting('work_mem') AS m, current_setting('application_name') AS a");
    expect(row).toEqual({ m: '4MB', a: 'mine' });
  } finally {
    process.env = before;
  }
});
