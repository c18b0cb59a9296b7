import { expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import { libpqEnvironment } from './libpqEnvironment.ts';

const server = { host: 'db', port: 5433, user: 'backup', password: new Secret('p') };

test('libpq is told everything that it would otherwise look up elsewhere', () => {
  expect(libpqEnvironment({ ...server, tls: { mode: 'verify-full', ca: '/ca', cert: '/c', key: '/k' } })).toMatchObject(
    {
      PGHOST: 'db',
      PGPORT: '5433',
      PGUSER: 'backup',
      PGDATABASE: 'backup',
      PGPASSWORD: server.password,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca',
      PGSSLCERT: '/c',
      PGSSLKEY: '/k',
    },
  );
  expect(libpqEnvironment(server, 'a=b')).toMatchObject({ PGDATABASE: 'a=b', PGSSLMODE: 'prefer' });
});

test('without a certificate the public roots are trusted, by programs that can', () => {
  const connection = { ...server, tls: { mode: 'verify-full' } } as const;
  expect(libpqEnvironment(connection, 'shop', 16)).toMatchObject({ PGSSLROOTCERT: 'system' });
  expect(libpqEnvironment(connection, 'shop', 15)).not.toHaveProperty('PGSSLROOTCERT');
  expect(libpqEnvironment(server, 'shop', 16)).not.toHaveProperty('PGSSLROOTCERT');
});
