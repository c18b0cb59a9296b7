import type { Secret } from '../base/secret.ts';
import type { ConnectionOptions } from './connectionOptions.ts';

/**
 * What PostgreSQL's own programs need in their environment to log in as we do: never on a command line, which every
 * user of the machine can read. `~/.pgpass` and service files are not consulted, as in our own connections.
 */
export function libpqEnvironment(
  connection: ConnectionOptions,
  database = connection.database ?? connection.user,
  programMajor = 0,
): Record<string, string | Secret> {
  const { host, port, user, password, tls } = connection;
  // we trust the public roots where no certificate is named; libpq has a word for that from 16 on
  const publicRoots = programMajor >= 16 && tls?.mode === 'verify-full' ? 'system' : undefined;
  const roots = tls?.ca ?? publicRoots;
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGAPPNAME: connection.applicationName ?? 'understudy',
    PGCONNECT_TIMEOUT: String(Math.ceil((connection.connectTimeoutMs ?? 10_000) / 1000)),
    PGPASSFILE: '/dev/null/none',
    PGGSSENCMODE: 'disable',
    PGSSLMODE: tls?.mode ?? 'prefer',
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(roots === undefined ? {} : { PGSSLROOTCERT: roots }),
    ...(tls?.cert === undefined ? {} : { PGSSLCERT: tls.cert }),
    ...(tls?.key === undefined ? {} : { PGSSLKEY: tls.key }),
  };
}
