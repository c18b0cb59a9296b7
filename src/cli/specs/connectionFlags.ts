import { count, text } from '../spec.ts';

/** How to reach a PostgreSQL server, for a source that is not configured or in place of what is configured. */
export const connectionFlags = {
  host: text('--host <host>', 'Host name, address, or directory of the Unix socket (PGHOST).'),
  port: count('--port <port>', 'Port of the server (PGPORT).'),
  user: text('--user <role>', 'Role to log in as (PGUSER); its password comes from PGPASSWORD or ~/.pgpass.'),
  database: text('--database <name>', 'Database to log in to (PGDATABASE).'),
};
