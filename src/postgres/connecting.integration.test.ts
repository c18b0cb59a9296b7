import { execFileSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { type Cluster, createCluster } from '../testing/postgresServer.ts';
import { serverUser } from '../testing/serverUser.ts';
import type { ConnectionOptions, TlsMode } from './connectionOptions.ts';
import { openReplicationConnection } from './replicationConnection.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();
const password = 'geheimes Wort';

/** pg_hba.conf: who may come how is the subject of this file. */
const rules = `
local   all          postgres                    trust
local   replication  postgres                    trust
hostssl replication  streamer     127.0.0.1/32   scram-sha-256
hostssl postgres     streamer     127.0.0.1/32   scram-sha-256
host    postgres     hosted       127.0.0.1/32   scram-sha-256
hostnossl replication plain       127.0.0.1/32   scram-sha-256
hostnossl postgres   plain        127.0.0.1/32   scram-sha-256
`;

let cluster: Cluster;
let streamer: ConnectionOptions;

function certificates(): void {
  const path = (name: string): string => join(cluster.directory, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=root', '-keyout', path('ca.key'), '-out', path('ca.pem'));
  openssl('req', '-x509', ...key, '-subj', '/CN=other', '-keyout', path('other.key'), '-out', path('other.pem'));
  openssl('req', ...key.slice(0, -2), '-subj', '/CN=db', '-keyout', path('server.key'), '-out', path('server.csr'));
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost');
  const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')];
  openssl('x509', '-req', '-in', path('server.csr'), ...signing, '-days', '2', '-out', path('server.pem'));
  const user = serverUser();
  if (user !== undefined) chownSync(path('server.key'), user.uid, user.gid);
}

beforeAll(async () => {
  cluster = await createCluster({ major: 17, tcp: true, start: false });
  certificates();
  await cluster.configure({
    ssl: true,
    ssl_cert_file: join(cluster.directory, 'server.pem'),
    ssl_key_file: join(cluster.directory, 'server.key'),
  });
  writeFileSync(join(cluster.dataDirectory, 'pg_hba.conf'), rules);
  await cluster.start();
  for (const role of ['streamer', 'hosted', 'plain']) {
    await cluster.sql(`create role ${role} login replication password '${password}'`);
  }
  streamer = { host: 'localhost', port: cluster.port, user: 'streamer', password: new Secret(password) };
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function refusal(options: ConnectionOptions): Promise<OperationError> {
  try {
    await using connection = await openReplicationConnection(ctx, options);
    await connection.identifySystem();
  } catch (error) {
    expect(error).toBeInstanceOf(OperationError);
    const refused = error as OperationError;
    expect(refused.message).not.toContain('\n');
    expect(refused.hint).toBeDefined();
    expect(JSON.stringify([refused.message, refused.detail, refused.hint])).not.toContain(password);
    return refused;
  }
  throw new Error('the connection was not refused');
}

describe('TLS and SCRAM', () => {
  test.each<TlsMode>(['prefer', 'require', 'verify-ca', 'verify-full'])('replication with %s', async (mode) => {
    const tls = { mode, ...(mode.startsWith('verify') ? { ca: join(cluster.directory, 'ca.pem') } : {}) };
    await using connection = await openReplicationConnection(ctx, { ...streamer, tls });
    expect((await connection.identifySystem()).timeline).toBe(1);
    await using sql = await openSqlConnection(ctx, { ...streamer, database: 'postgres', tls });
    expect(await sql.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([{ ssl: true }]);
  });

  test('verify-full refuses another name, verify-ca does not', async () => {
    const address = { ...streamer, host: '127.0.0.1' };
    const ca = join(cluster.directory, 'ca.pem');
    const error = await refusal({ ...address, tls: { mode: 'verify-full', ca } });
    expect(error.code).toBe('postgres-unreachable');
    expect(error.message).toContain("does not match certificate's altnames");
    await using connection = await openReplicationConnection(ctx, { ...address, tls: { mode: 'verify-ca', ca } });
    expect(connection.major).toBe(17);
  });

  test.each<TlsMode>(['require', 'verify-ca', 'verify-full'])('%s refuses another root', async (mode) => {
    const error = await refusal({ ...streamer, tls: { mode, ca: join(cluster.directory, 'other.pem') } });
    expect(error.code).toBe('postgres-unreachable');
    expect(error.hint).toContain('`ca`');
  });

  test('a root file that is missing is named', async () => {
    const error = openReplicationConnection(ctx, { ...streamer, tls: { mode: 'verify-ca', ca: '/nowhere/ca.pem' } });
    await expect(error).rejects.toMatchObject({ code: 'file-missing', message: expect.stringContaining('/nowhere') });
  });

  test('prefer goes on without TLS where TLS is refused; disable and require do not', async () => {
    const plain = { ...streamer, user: 'plain' };
    await using sql = await openSqlConnection(ctx, { ...plain, database: 'postgres' });
    expect(await sql.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([{ ssl: false }]);
    expect((await refusal({ ...plain, tls: { mode: 'require' } })).code).toBe('postgres-denied');
    expect((await refusal({ ...streamer, tls: { mode: 'disable' } })).code).toBe('postgres-denied');
  });

  test('require is refused by a server without TLS, prefer is not', async () => {
    await using without = await createCluster({ tcp: true });
    const options = { ...without.connection, host: '127.0.0.1' };
    expect((await refusal({ ...options, tls: { mode: 'require' } })).code).toBe('postgres-settings');
    await using connection = await openReplicationConnection(ctx, options);
    expect(connection.major).toBe(15);
  });
});

describe('refusals', () => {
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
      const row = await sql.queryOne(
        "SELECT current_setting('work_mem') AS m, current_setting('application_name') AS a",
      );
      expect(row).toEqual({ m: '4MB', a: 'mine' });
    } finally {
      process.env = before;
    }
  });
});
