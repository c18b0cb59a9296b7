import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { describeServer, parseConnectionUri } from './connectionOptions.ts';

test('a full URI gives every option', () => {
  const options = parseConnectionUri(
    'postgresql://back%40up:p%2Fw:1@db.example:6432/app%20db?sslmode=verify-full&sslrootcert=/ca.pem' +
      '&sslcert=/c.pem&sslkey=/k.pem&application_name=night&connect_timeout=7',
  );
  expect(options.password?.reveal()).toBe('p/w:1');
  expect({ ...options, password: undefined }).toEqual({
    host: 'db.example',
    port: 6432,
    user: 'back@up',
    password: undefined,
    database: 'app db',
    applicationName: 'night',
    connectTimeoutMs: 7000,
    tls: { mode: 'verify-full', ca: '/ca.pem', cert: '/c.pem', key: '/k.pem' },
  });
});

test.each([
  ['postgres:///', { host: '/var/run/postgresql', port: 5432, user: userInfo().username }],
  ['postgresql://u@/db?host=/tmp/s&port=5433', { host: '/tmp/s', port: 5433, user: 'u', database: 'db' }],
  ['postgresql://%2Ftmp%2Fs/db', { host: '/tmp/s', port: 5432, user: userInfo().username, database: 'db' }],
  ['postgres://u@[::1]:5440', { host: '::1', port: 5440, user: 'u' }],
])('%s', (uri, expected) => {
  expect(parseConnectionUri(uri)).toEqual(expected);
});

test.each([
  'mysql://u:geheim@h/db',
  'postgres://u:geheim@h1:1,h2:2/db',
  'postgres://u:geheim@h:port/db',
  'postgres://u:geheim%@h/db',
  'postgres://u:geheim@h/db?sslmode=maybe',
  'postgres://u:geheim@h/db?sslmod=require',
  'postgres://u@h/db?password=geheim&port=x',
  'u:geheim@h',
])('%s is refused without showing the password', (uri) => {
  try {
    parseConnectionUri(uri);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'config-invalid', hint: expect.any(String) });
    expect(JSON.stringify(error) + String(error)).not.toContain('geheim');
  }
});

test('a server is described without the password', () => {
  expect(describeServer(parseConnectionUri('postgres://u:geheim@[::1]:5440'))).toBe('[::1]:5440 as user "u"');
});
