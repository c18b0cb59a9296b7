import { OperationError } from '../../base/errors.ts';
import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { Dump } from '../loadDump.ts';

/** Throws `postgres-unsupported` for a server that is older than the dump's. */
export function requireMajor(dump: Dump, sql: SqlConnection): void {
  if (sql.major >= dump.major) return;
  throw new OperationError(
    'postgres-unsupported',
    `cannot restore a dump of PostgreSQL ${dump.major} into PostgreSQL ${sql.major}`,
    {
      hint: `restore into a server of version ${dump.major} or newer`,
      detail: { dump: dump.major, server: sql.major },
    },
  );
}

/** Throws `postgres-denied` when the role may not create databases. */
export async function requireCreateDatabase(sql: SqlConnection): Promise<void> {
  const row = await sql.queryOne<SqlRow & { allowed: boolean; name: string }>(
    'SELECT rolsuper OR rolcreatedb AS allowed, rolname AS name FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER',
  );
  if (row.allowed) return;
  throw new OperationError('postgres-denied', `role "${row.name}" may not create databases`, {
    hint: `ALTER ROLE "${row.name}" CREATEDB, log in as another role, or create an empty database and restore into it`,
  });
}

/** Throws `not-found` naming the extensions of the dump that the server cannot create. */
export async function requireExtensions(sql: SqlConnection, database: DumpedDatabase): Promise<void> {
  const rows = await sql.query<SqlRow & { name: string }>('SELECT name FROM pg_catalog.pg_available_extensions');
  const available = new Set(rows.map(({ name }) => name));
  const missing = database.extensions.map(({ name }) => name).filter((name) => !available.has(name));
  if (missing.length === 0) return;
  throw new OperationError(
    'not-found',
    `extensions of database "${database.name}" are not installed on the server: ${missing.join(', ')}`,
    {
      hint: 'install the packages that bring them there (on Debian postgresql-<major>-<extension>, or postgresql-contrib)',
      detail: { extensions: missing },
    },
  );
}

export async function roleNames(sql: SqlConnection): Promise<ReadonlySet<string>> {
  const rows = await sql.query<SqlRow & { name: string }>('SELECT rolname AS name FROM pg_catalog.pg_roles');
  return new Set(rows.map(({ name }) => name));
}

/** Whether the server has the database. */
export async function databaseExists(sql: SqlConnection, name: string): Promise<boolean> {
  const rows = await sql.query('SELECT FROM pg_catalog.pg_database WHERE datname = $1', [name]);
  return rows.length > 0;
}

/** Whether a database is as CREATE DATABASE leaves it; asked in the database itself. */
export async function isEmptyDatabase(sql: SqlConnection): Promise<boolean> {
  const { found } = await sql.queryOne<SqlRow & { found: boolean }>(`
    WITH own AS (
      SELECT oid, nspname FROM pg_catalog.pg_namespace
       WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
    members AS (SELECT objid FROM pg_catalog.pg_depend WHERE deptype = 'e')
    SELECT EXISTS (SELECT FROM own WHERE nspname <> 'public')
        OR EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM own)
                      AND oid NOT IN (SELECT objid FROM members))
        OR EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM own)
                      AND oid NOT IN (SELECT objid FROM members))
        OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM own)
                      AND oid NOT IN (SELECT objid FROM members))
        OR EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AS found`);
  return !found;
}

export async function schemaExists(sql: SqlConnection, name: string): Promise<boolean> {
  return (await sql.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [name])).length > 0;
}
