import { execFileSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { needs } from '../testing/needs.ts';
import { type Cluster, createCluster } from '../testing/postgresServer.ts';
import { serverUser } from '../testing/serverUser.ts';
import { type ConnectionOptions, tlsModes } from './connectionOptions.ts';
import { refusal } from './fixture/refusal.ts';
import { openReplicationConnection } from './replicationConnection.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();
const password = 'geheimes Wort';
const tlsTest = needs('openssl');
const usesTls = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

const rules = `
local     all                   postgres                 trust
hostssl   replication,postgres  streamer   127.0.0.1/32  scram-sha-256
hostnossl replication,postgres  plain      127.0.0.1/32  scram-sha-256
hostssl   replication           certified  127.0.0.1/32  cert
`;

/** Keys and certificates: root `ca`, the server's for the name `localhost`, a client's, and a root that signed none. */
function makeCertificates(cluster: Cluster): void {
  const path = (name: string): string => join(cluster.directory, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const root of ['ca', 'other']) {
    const files = ['-keyout', path(`${root}.key`), '-out', path(`${root}.pem`)];
    openssl('req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${root}`, ...files);
  }
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost');
  for (const name of ['server', 'certified']) {
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', path(`${name}.key`), '-out', path('request'));
    const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')];
    openssl('x509', '-req', '-in', path('request'), ...signing, '-days', '2', '-out', path(`${name}.pem`));
  }
  const user = serverUser();
  if (user !== undefined) chownSync(path('server.key'), user.uid, user.gid);
}

interface TlsServer extends AsyncDisposable {
  readonly streamer: ConnectionOptions;
  file(name: string): string;
}

async function tlsServer(): Promise<TlsServer> {
  const cluster = await createCluster({ major: 17, tcp: true, start: false });
  const file = (name: string): string => join(cluster.directory, name);
  makeCertificates(cluster);
  await cluster.configure({
    ssl: true,
    ssl_ca_file: file('ca.pem'),
    ssl_cert_file: file('server.pem'),
    ssl_key_file: file('server.key'),
  });
  writeFileSync(join(cluster.dataDirectory, 'pg_hba.conf'), rules);
  await cluster.start();
  for (const role of ['streamer', 'plain', 'certified']) {
    await cluster.sql(`create role ${role} login replication password '${password}'`);
  }
  return {
    streamer: { host: 'localhost', port: cluster.port, user: 'streamer', password: new Secret(password) },
    file,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

tlsTest('TLS and SCRAM work in every mode, for replication and for SQL', async () => {
  await using server = await tlsServer();
  for (const mode of tlsModes.slice(1)) {
    const tls = { mode, ...(mode.startsWith('verify') ? { ca: server.file('ca.pem') } : {}) };
    await using connection = await openReplicationConnection(ctx, { ...server.streamer, tls });
    expect((await connection.identifySystem()).timeline).toBe(1);
    await using sql = await openSqlConnection(ctx, { ...server.streamer, database: 'postgres', tls });
    expect(await sql.query(usesTls)).toEqual([{ ssl: true }]);
  }
});

tlsTest('verify-full refuses another name, verify-ca does not', async () => {
  await using server = await tlsServer();
  const address = { ...server.streamer, host: '127.0.0.1' };
  const ca = server.file('ca.pem');
  const error = await refusal({ ...address, tls: { mode: 'verify-full', ca } });
  expect(error.code).toBe('postgres-unreachable');
  expect(error.message).toContain("does not match certificate's altnames");
  await using connection = await openReplicationConnection(ctx, { ...address, tls: { mode: 'verify-ca', ca } });
  expect(connection.major).toBe(17);
});

tlsTest('another root is refused as soon as a root is given', async () => {
  await using server = await tlsServer();
  for (const mode of ['require', 'verify-ca', 'verify-full'] as const) {
    const error = await refusal({ ...server.streamer, tls: { mode, ca: server.file('other.pem') } });
    expect(error.code).toBe('postgres-unreachable');
    expect(error.hint).toContain('`ca`');
  }
  expect((await refusal({ ...server.streamer, tls: { mode: 'verify-ca' } })).code).toBe('postgres-unreachable');
});

tlsTest('a client certificate takes the place of a password', async () => {
  await using server = await tlsServer();
  const certified = { host: 'localhost', port: server.streamer.port, user: 'certified' };
  const tls = { mode: 'require', cert: server.file('certified.pem'), key: server.file('certified.key') } as const;
  await using connection = await openReplicationConnection(ctx, { ...certified, tls });
  expect(connection.major).toBe(17);
  expect((await refusal({ ...certified, tls: { mode: 'require' } })).code).toBe('postgres-denied');
});

tlsTest('prefer goes on without TLS where TLS is refused; disable and require do not', async () => {
  await using server = await tlsServer();
  const plain = { ...server.streamer, user: 'plain' };
  await using sql = await openSqlConnection(ctx, { ...plain, database: 'postgres' });
  expect(await sql.query(usesTls)).toEqual([{ ssl: false }]);
  expect((await refusal({ ...plain, tls: { mode: 'require' } })).code).toBe('postgres-denied');
  expect((await refusal({ ...server.streamer, tls: { mode: 'disable' } })).code).toBe('postgres-denied');
});

test('require is refused by a server without TLS, prefer is not', async () => {
  await using without = await createCluster({ tcp: true });
  const options = { ...without.connection, host: '127.0.0.1' };
  expect((await refusal({ ...options, tls: { mode: 'require' } })).code).toBe('postgres-settings');
  await using connection = await openReplicationConnection(ctx, options);
  expect(connection.major).toBe(15);
});

test('a root file that is missing is named', async () => {
  const options = {
    host: '127.0.0.1',
    port: 1,
    user: 'nobody',
    tls: { mode: 'verify-ca', ca: '/nowhere/ca.pem' },
  } as const;
  const error = await refusal(options);
  expect(error.code).toBe('file-missing');
  expect(error.message).toContain('/nowhere/ca.pem');
});
