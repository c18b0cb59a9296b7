import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { DumpRecord } from '../dumpRecord.ts';

/** What the record says of the server as a whole. */
export type DumpServerFacts = Pick<
  DumpRecord,
  'systemIdentifier' | 'serverVersion' | 'serverVersionText' | 'fromStandby' | 'roles' | 'tablespaces' | 'settings'
> & {
  readonly superuser: boolean;
  /** Whether the role may read the hashes of passwords. */
  readonly readsPasswords: boolean;
};

/** Settings that objects of a dump may need where it is restored. */
const settingNames = [
  'default_table_access_method',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'max_locks_per_transaction',
  'max_prepared_transactions',
  'server_encoding',
  'shared_preload_libraries',
  'wal_level',
];

export async function readDumpServerFacts(sql: SqlConnection): Promise<DumpServerFacts> {
  const facts = await sql.queryOne<SqlRow & { number: number; standby: boolean; superuser: boolean; hashes: boolean }>(`
    SELECT pg_catalog.current_setting('server_version_num')::int AS number,
           pg_catalog.pg_is_in_recovery() AS standby,
           (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER) AS superuser,
           pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS hashes`);
  const roles = await sql.query<SqlRow & DumpRecord['roles'][number]>(`
    SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolinherit AS inherit, r.rolcreaterole AS "createRole",
           r.rolcreatedb AS "createDatabase", r.rolcanlogin AS login, r.rolreplication AS replication,
           r.rolbypassrls AS "bypassRowSecurity",
           ARRAY(SELECT pg_catalog.pg_get_userbyid(m.roleid)::pg_catalog.text FROM pg_catalog.pg_auth_members AS m
                  WHERE m.member = r.oid ORDER BY 1) AS "memberOf"
      FROM pg_catalog.pg_roles AS r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname`);
  const tablespaces = await sql.query<SqlRow & { name: string }>(`
    SELECT spcname AS name FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1`);
  const settings = await sql.query<SqlRow & { name: string; setting: string }>(
    'SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY ($1) ORDER BY name',
    [settingNames],
  );
  return {
    systemIdentifier: await readIdentifier(sql),
    serverVersion: facts.number,
    serverVersionText: sql.serverVersion,
    fromStandby: facts.standby,
    superuser: facts.superuser,
    readsPasswords: facts.hashes,
    roles: [...roles],
    tablespaces: tablespaces.map(({ name }) => name),
    settings: Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
  };
}

/** Managed servers may keep it from us. */
async function readIdentifier(sql: SqlConnection): Promise<string | null> {
  const { may } = await sql.queryOne<SqlRow & { may: boolean }>(
    `SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may`,
  );
  if (!may) return null;
  const row = await sql.queryOne<SqlRow & { identifier: bigint }>(
    'SELECT system_identifier AS identifier FROM pg_catalog.pg_control_system()',
  );
  return BigInt.asUintN(64, row.identifier).toString(); // shown signed, kept unsigned
}

/** A database, and why it cannot be dumped if so. */
export interface DatabaseEntry {
  readonly name: string;
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string | null;
  readonly ctype: string | null;
  readonly collationVersion: string | null;
  readonly isTemplate: boolean;
  readonly connectable: boolean;
  readonly allowed: boolean;
}

/** All databases but the two templates that every server has. */
export async function readDatabaseEntries(sql: SqlConnection): Promise<readonly DatabaseEntry[]> {
  const version = sql.major >= 15 ? 'datcollversion' : 'NULL::pg_catalog.text';
  return sql.query<SqlRow & DatabaseEntry>(`
    SELECT datname AS name, pg_catalog.pg_get_userbyid(datdba) AS owner,
           pg_catalog.pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
           ${version} AS "collationVersion", datistemplate AS "isTemplate", datallowconn AS connectable,
           pg_catalog.has_database_privilege(oid, 'CONNECT') AS allowed
      FROM pg_catalog.pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY datname`);
}
