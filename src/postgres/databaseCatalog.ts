import type { SqlConnection, SqlRow } from './sqlConnection.ts';

export interface Database {
  readonly oid: number;
  readonly name: string;
  readonly allowsConnections: boolean;
  readonly isTemplate: boolean;
  /** In bytes; undefined when the role may not connect to it and is not in pg_read_all_stats. */
  readonly sizeBytes: bigint | undefined;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** Version of the default collation when the database was created or refreshed, and the one of the library now. */
  readonly collationVersion: string | undefined;
  readonly actualCollationVersion: string | undefined;
}

export interface Extension {
  readonly name: string;
  readonly version: string;
  readonly schema: string;
}

/**
 * A versioned collation that something in the database uses. When the versions differ, indexes may be in wrong order.
 */
export interface Collation {
  readonly schema: string;
  readonly name: string;
  readonly provider: 'libc' | 'icu' | 'builtin' | 'default';
  readonly version: string;
  /** What the library provides now; undefined when it does not know the collation any more. */
  readonly actualVersion: string | undefined;
}

/** All databases of the cluster, from a connection to any. Collation versions of databases exist from 15 on. */
export async function readDatabases(sql: SqlConnection): Promise<readonly Database[]> {
  const versions =
    sql.major >= 15
      ? 'datcollversion AS version, pg_database_collation_actual_version(oid) AS actual'
      : 'NULL AS version, NULL AS actual';
  const rows = await sql.query<
    SqlRow & {
      oid: number;
      name: string;
      allows: boolean;
      template: boolean;
      size: bigint | null;
      encoding: string;
      collate: string;
      ctype: string;
      version: string | null;
      actual: string | null;
    }
  >(`
    SELECT oid, datname AS name, datallowconn AS allows, datistemplate AS template,
           CASE WHEN has_database_privilege(oid, 'CONNECT')
                  OR pg_has_role('pg_read_all_stats', 'USAGE')
                THEN pg_database_size(oid) END AS size,
           pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype, ${versions}
      FROM pg_database ORDER BY oid`);
  return rows.map(({ oid, name, encoding, collate, ctype, ...row }) => ({
    oid,
    name,
    encoding,
    collate,
    ctype,
    allowsConnections: row.allows,
    isTemplate: row.template,
    sizeBytes: row.size ?? undefined,
    collationVersion: row.version ?? undefined,
    actualCollationVersion: row.actual ?? undefined,
  }));
}

/** Extensions of the database that the connection is to. */
export async function readExtensions(sql: SqlConnection): Promise<readonly Extension[]> {
  return sql.query<SqlRow & Extension>(`
    SELECT extname AS name, extversion AS version, nspname AS schema
      FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace
     ORDER BY extname`);
}

/** Collations, other than the database's own, that something in the connection's database depends on. */
export async function readUsedCollations(sql: SqlConnection): Promise<readonly Collation[]> {
  const rows = await sql.query<
    SqlRow & { schema: string; name: string; provider: string; version: string; actual: string | null }
  >(`
    SELECT nspname AS schema, collname AS name, collprovider::text AS provider, collversion AS version,
           pg_collation_actual_version(c.oid) AS actual
      FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = collnamespace
     WHERE collversion IS NOT NULL AND EXISTS (SELECT FROM pg_depend
                    WHERE refclassid = 'pg_collation'::regclass AND refobjid = c.oid)
     ORDER BY nspname, collname`);
  return rows.map(({ schema, name, provider, version, actual }) => ({
    schema,
    name,
    provider: providers[provider] ?? 'default',
    version,
    actualVersion: actual ?? undefined,
  }));
}

const providers: Readonly<Record<string, Collation['provider']>> = { c: 'libc', i: 'icu', b: 'builtin', d: 'default' };
