import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import { exactPattern } from './namePattern.ts';
import type { Relation } from './relations.ts';

const tablesAtOnce = 200;

/**
 * Keeps the definitions as the snapshot has them until the dump is over: pg_dump reads some of them as they are now.
 * Throws `postgres-settings` when a table was dropped meanwhile, or its lock does not come.
 */
export async function lockTables(sql: SqlConnection, relations: readonly Relation[]): Promise<void> {
  const names = relations
    .filter(({ kind }) => kind === 'r' || kind === 'p')
    .map(({ schema, name }) => exactPattern(schema, name));
  for (let at = 0; at < names.length; at += tablesAtOnce) {
    await sql.query(`LOCK TABLE ONLY ${names.slice(at, at + tablesAtOnce).join(', ONLY ')} IN ACCESS SHARE MODE`);
  }
}

/**
 * The locked tables that got new files between the snapshot and the lock. TRUNCATE and an ALTER TABLE that rewrites
 * leave nothing behind for older snapshots: the one of this session sees such a table empty. The catalogue is read in
 * the snapshot, the function tells the present.
 */
export async function findRewritten(sql: SqlConnection, relations: readonly Relation[]): Promise<readonly string[]> {
  const rows = await sql.query<SqlRow & { name: string }>(
    `SELECT oid::pg_catalog.regclass::pg_catalog.text AS name FROM pg_catalog.pg_class
      WHERE oid = ANY ($1) AND relkind = 'r' AND relfilenode <> 0
        AND pg_catalog.pg_relation_filenode(oid) IS DISTINCT FROM relfilenode ORDER BY 1`,
    [relations.map(({ oid }) => oid)],
  );
  return rows.map(({ name }) => name);
}
