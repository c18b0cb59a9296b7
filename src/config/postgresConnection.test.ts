import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import type { Environment } from './interpolate.ts';
import { findPgpassEntry } from './passwordFiles.ts';
import { postgresLogin } from './postgresConnection.ts';
import { parsePostgresUri } from './postgresUri.ts';
import type { ConnectionConfig } from './schema.ts';

const noHome = { HOME: '/nonexistent' };

function login(connection: Partial<ConnectionConfig>, environment: Environment = noHome) {
  return postgresLogin({ source: 'main', connection: { tls: {}, ...connection }, environment });
}

test('the configuration wins over PG* variables, those over defaults', async () => {
  const environment = { ...noHome, PGHOST: 'pg', PGPORT: '6000', PGUSER: 'u', PGPASSWORD: 'p', PGSSLMODE: 'require' };
  const found = await login({ host: 'db', tls: { rootCertificate: '/ca' } }, environment);
  expect(found).toMatchObject({ host: 'db', port: 6000, user: 'u', database: 'u' });
  expect(found.password?.reveal()).toBe('p');
  expect(found.tls).toMatchObject({ mode: 'require', rootCertificate: '/ca' });
  expect(await login({ user: 'me' })).toMatchObject({ port: 5432, user: 'me', database: 'me', password: undefined });
});

test('a URI is taken apart as libpq does', async () => {
  const uri = new Secret('postgresql://me:p%40ss%3A@[::1]:6432/db?sslmode=verify-full&sslrootcert=/ca%2Bx');
  const found = await login({ uri });
  expect(found).toMatchObject({ host: '::1', port: 6432, user: 'me', database: 'db' });
  expect(found.password?.reveal()).toBe('p@ss:');
  expect(found.tls).toMatchObject({ mode: 'verify-full', rootCertificate: '/ca+x' });
  expect(parsePostgresUri(new Secret('postgres:///db?host=/run/pg'), 'o')).toEqual({ database: 'db', host: '/run/pg' });
  expect(parsePostgresUri(new Secret('postgres://%2Frun%2Fpg/db'), 'o')).toEqual({ database: 'db', host: '/run/pg' });
});

test.each(['mysql://x', 'postgres://a,b/x', 'postgres://h:0/x', 'postgres://h/x?ssl=1', 'postgres://u:%zz@h/'])(
  'the URI %s is refused without being shown',
  (uri) => {
    expect(() => parsePostgresUri(new Secret(uri), 'sources.main.connection.uri')).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: expect.not.stringContaining(uri) }),
    );
  },
);

test('wrong variables are refused with their name', async () => {
  await expect(login({}, { ...noHome, PGPORT: 'x' })).rejects.toThrow('PGPORT');
  await expect(login({}, { ...noHome, PGSSLMODE: 'requir' })).rejects.toMatchObject({
    hint: 'did you mean "require"?',
  });
});

test('the password file of libpq', () => {
  const text = '# c\nh:5432:db:u:one\nh\\:x:*:*:*:t\\:wo\\\\\n*:*:*:u2:\n*:1:*:*:last';
  const entry = (host: string, port: number, user: string) =>
    findPgpassEntry(text, { host, port, database: 'db', user })?.reveal();
  expect(entry('h', 5432, 'u')).toBe('one');
  expect(entry('h:x', 1, 'z')).toBe('t:wo\\');
  expect(entry('q', 9, 'u2')).toBe('');
  expect(entry('q', 1, 'z')).toBe('last');
  expect(entry('q', 9, 'z')).toBeUndefined();
});

test('a password file is used only while it is private', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pgpass-'));
  const path = join(directory, 'pass');
  writeFileSync(path, 'db:*:*:*:word\n', { mode: 0o600 });
  const environment = { ...noHome, PGPASSFILE: path };
  expect((await login({ host: 'db', user: 'u' }, environment)).password?.reveal()).toBe('word');
  chmodSync(path, 0o644);
  expect((await login({ host: 'db', user: 'u' }, environment)).password).toBeUndefined();
  rmSync(directory, { recursive: true });
});
