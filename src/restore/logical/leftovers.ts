import type { Context } from '../../base/context.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import { quoted } from './sqlStatements.ts';

/** A schema into which a table is loaded, and a database in which tables are staged; random digits follow. */
export const copySchemaPrefix = 'understudy_copy_';
export const stagingPrefix = 'understudy_staging_';

/** Marks a schema as in use by this session, as long as it lives. */
export async function claimSchema(sql: SqlConnection, schema: string): Promise<void> {
  await sql.query('SELECT pg_advisory_lock(hashtext($1))', [schema]);
}

/** Removes the schemas that killed restores left in this database: those that no session has claimed. */
export async function dropOrphanSchemas(ctx: Context, sql: SqlConnection): Promise<void> {
  const rows = await sql.query<SqlRow & { name: string }>(
    'SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE starts_with(nspname, $1)',
    [copySchemaPrefix],
  );
  for (const { name } of rows) {
    const { claimed } = await sql.queryOne('SELECT pg_try_advisory_lock(hashtext($1)) AS claimed', [name]);
    if (claimed !== true) continue;
    ctx.log.warn({ schema: name }, 'removing what an interrupted restore left');
    await sql.query(`DROP SCHEMA IF EXISTS ${quoted(name)} CASCADE`);
    await sql.query('SELECT pg_advisory_unlock(hashtext($1))', [name]);
  }
}

/** Removes the staging databases that killed restores left: a living one has a session in it all the time. */
export async function dropOrphanDatabases(ctx: Context, sql: SqlConnection): Promise<void> {
  const rows = await sql.query<SqlRow & { name: string }>(
    `SELECT datname AS name FROM pg_catalog.pg_database AS d
      WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)`,
    [stagingPrefix],
  );
  for (const { name } of rows) {
    ctx.log.warn({ database: name }, 'removing what an interrupted restore left');
    await sql.query(`DROP DATABASE IF EXISTS ${quoted(name)}`);
  }
}
