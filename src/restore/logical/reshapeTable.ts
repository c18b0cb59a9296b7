import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import type { TableName } from '../planTableRestore.ts';
import { quoted } from './sqlStatements.ts';

/** A table in a database that is thrown away afterwards. */
export interface StagedTable {
  readonly connection: ConnectionOptions;
  readonly database: string;
  readonly table: TableName;
}

/**
 * Moves a table, with its partitions, into a schema of its own, so that it can be dumped from there: under other names
 * without a word of SQL being rewritten. What would act (triggers, rules) or reach outside (foreign keys, policies for
 * roles that the target may not have) is dropped; row security stays, but not for the owner, who has to read the rows.
 * Throws `not-found`.
 */
export async function reshapeTable(ctx: Context, staged: StagedTable, schema: string): Promise<void> {
  await using sql = await openSqlConnection(ctx, { ...staged.connection, database: staged.database });
  await disableEventTriggers(sql);
  const tables = await tableTree(sql, staged.table);
  const [root] = tables;
  if (root === undefined) {
    const { table } = staged;
    throw new OperationError('not-found', `there was no table "${table.schema}"."${table.name}"`, {
      hint: 'is the name right, and did it exist at that time? Views and foreign tables have no rows of their own',
      detail: { database: staged.database, ...table },
    });
  }
  await sql.query('BEGIN');
  await sql.query(`CREATE SCHEMA ${quoted(schema)}`);
  await detach(sql, root.oid);
  for (const { oid } of tables) {
    for (const statement of await attachments(sql, oid)) await sql.query(statement);
  }
  for (const { name } of tables) await sql.query(`ALTER TABLE ${name} SET SCHEMA ${quoted(schema)}`);
  await sql.query('COMMIT');
}

async function disableEventTriggers(sql: SqlConnection): Promise<void> {
  const rows = await sql.query<SqlRow & { name: string }>(
    `SELECT pg_catalog.quote_ident(evtname) AS name FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'`,
  );
  for (const { name } of rows) await sql.query(`ALTER EVENT TRIGGER ${name} DISABLE`);
}

interface TreeTable extends SqlRow {
  readonly oid: number;
  /** Qualified and quoted. */
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
}

/** The table and all its partitions, the table first. Empty when there is none. */
export async function tableTree(sql: SqlConnection, { schema, name }: TableName): Promise<readonly TreeTable[]> {
  return sql.query<TreeTable>(
    `SELECT c.oid, pg_catalog.format('%I.%I', m.nspname, c.relname) AS name, m.nspname AS schema,
            c.relname AS relation
       FROM pg_catalog.pg_class AS r
       JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
      CROSS JOIN LATERAL (
            SELECT r.oid AS relid, 0 AS level WHERE r.relkind = 'r'
            UNION ALL
            SELECT t.relid, t.level FROM pg_catalog.pg_partition_tree(r.oid) AS t WHERE r.relkind = 'p') AS tree
       JOIN pg_catalog.pg_class AS c ON c.oid = tree.relid AND c.relkind IN ('r', 'p')
       JOIN pg_catalog.pg_namespace AS m ON m.oid = c.relnamespace
      WHERE n.nspname = $1 AND r.relname = $2 AND r.relkind IN ('r', 'p')
      ORDER BY tree.level, c.oid`,
    [schema, name],
  );
}

/** A partition becomes a table of its own. */
async function detach(sql: SqlConnection, oid: number): Promise<void> {
  const rows = await sql.query<SqlRow & { statement: string }>(
    `SELECT pg_catalog.format('ALTER TABLE %s DETACH PARTITION %s', inhparent::regclass, inhrelid::regclass)
            AS statement
       FROM pg_catalog.pg_inherits JOIN pg_catalog.pg_class ON oid = inhrelid
      WHERE inhrelid = $1 AND relispartition`,
    [oid],
  );
  for (const { statement } of rows) await sql.query(statement);
}

/** Statements that take off a table what shall not go with it. */
async function attachments(sql: SqlConnection, oid: number): Promise<readonly string[]> {
  const rows = await sql.query<SqlRow & { statement: string }>(
    `WITH subject AS (
       SELECT c.oid, c.relispartition, c.relforcerowsecurity, pg_catalog.format('%I.%I', nspname, relname) AS name
         FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace WHERE c.oid = $1),
     statements AS (
       SELECT 1 AS step, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', name, conname) AS statement
         FROM subject JOIN pg_catalog.pg_constraint ON conrelid = subject.oid
        WHERE contype = 'f' AND conparentid = 0
       UNION ALL
       SELECT 2, pg_catalog.format('DROP TRIGGER %I ON %s', tgname, name)
         FROM subject JOIN pg_catalog.pg_trigger ON tgrelid = subject.oid
        WHERE NOT tgisinternal AND tgparentid = 0
       UNION ALL
       SELECT 3, pg_catalog.format('DROP POLICY %I ON %s', polname, name)
         FROM subject JOIN pg_catalog.pg_policy ON polrelid = subject.oid
       UNION ALL
       SELECT 4, pg_catalog.format('DROP RULE %I ON %s', rulename, name)
         FROM subject JOIN pg_catalog.pg_rewrite ON ev_class = subject.oid
       UNION ALL
       SELECT 5, pg_catalog.format('ALTER TABLE %s NO INHERIT %s', name, inhparent::regclass)
         FROM subject JOIN pg_catalog.pg_inherits ON inhrelid = subject.oid
        WHERE NOT relispartition
       UNION ALL
       SELECT 6, pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', name)
         FROM subject WHERE relforcerowsecurity)
     SELECT statement FROM statements ORDER BY step, statement`,
    [oid],
  );
  return rows.map(({ statement }) => statement);
}
