import { OperationError, errorMessage, isOperationError } from '../../base/errors.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { TableName } from '../planTableRestore.ts';
import { quoted } from './sqlStatements.ts';

/**
 * Replaces the rows of a live table by those of the one that was loaded into the work schema, in one transaction. The
 * table itself stays: its owner, rights, policies, triggers, indexes, views on it and its place in publications are
 * not touched. Triggers do not fire; foreign keys of other tables are checked again, and with them the transaction
 * succeeds or fails as a whole. Sequences go on from where they are.
 */
export async function replaceRows(sql: SqlConnection, live: TableName, work: string): Promise<void> {
  const target = `${quoted(live.schema)}.${quoted(live.name)}`;
  const loaded = `${quoted(work)}.${quoted(live.name)}`;
  await sql.query('BEGIN');
  try {
    await sql.query('SET LOCAL row_security = off');
    await sql.query(`LOCK TABLE ${target} IN ACCESS EXCLUSIVE MODE`);
    const columns = await commonColumns(sql, { live: target, loaded });
    const { oid, partitioned } = await sql.queryOne<SqlRow & { oid: number; partitioned: boolean }>(
      `SELECT oid, relkind = 'p' AS partitioned FROM pg_catalog.pg_class WHERE oid = $1::regclass`,
      [target],
    );
    await refuseRules(sql, oid, target);
    await refuseForeignPartitions(sql, oid, target);
    const keys = await incomingForeignKeys(sql, oid);
    const triggers = await enabledTriggers(sql, oid);
    for (const { table, name } of keys) await sql.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
    for (const { table, name } of triggers) await sql.query(`ALTER TABLE ONLY ${table} DISABLE TRIGGER ${name}`);
    // what inherits from a plain table is not the table; the loaded one may be partitioned where the live one is not
    await exchangeRows(sql, { rowsOf: partitioned ? target : `ONLY ${target}`, target, loaded, columns });
    for (const { table, name, how } of triggers) await sql.query(`ALTER TABLE ONLY ${table} ENABLE ${how} ${name}`);
    for (const { table, name, definition, comment } of keys) {
      await sql.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
      if (comment !== null) await sql.query(`COMMENT ON CONSTRAINT ${name} ON ${table} IS ${comment}`);
    }
    await sql.query(`DROP SCHEMA ${quoted(work)} CASCADE`);
    await sql.query('COMMIT');
  } catch (error) {
    await sql.query('ROLLBACK').catch(() => undefined);
    throw replaceFailed(target, error);
  }
}

interface Exchange {
  /** The live table as its rows are told from those of tables that inherit from it. */
  readonly rowsOf: string;
  readonly target: string;
  readonly loaded: string;
  readonly columns: string;
}

/** Throws `restore-incomplete` unless the live table has as many rows afterwards as were loaded. */
async function exchangeRows(sql: SqlConnection, { rowsOf, target, loaded, columns }: Exchange): Promise<void> {
  await sql.query(`TRUNCATE TABLE ${rowsOf}`);
  await sql.query(
    columns === ''
      ? `INSERT INTO ${target} SELECT FROM ${loaded}`
      : `INSERT INTO ${target} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${loaded}`,
  );
  const { is, was } = await sql.queryOne<SqlRow & { is: bigint; was: bigint }>(
    `SELECT (SELECT pg_catalog.count(*) FROM ${rowsOf}) AS is, (SELECT pg_catalog.count(*) FROM ${loaded}) AS was`,
  );
  if (is === was) return;
  throw new OperationError('restore-incomplete', `${target} would have ${is} rows instead of ${was}`, {
    hint: 'the table is as it was; restore beside it, without --replace',
    detail: { rows: Number(is), expected: Number(was) },
  });
}

/** Those that are stored, as the live table has them. Throws `restore-incomplete` when the tables differ. */
async function commonColumns(
  sql: SqlConnection,
  { live, loaded }: { readonly live: string; readonly loaded: string },
): Promise<string> {
  const read = (table: string) =>
    sql.query<SqlRow & { name: string; type: string; generated: boolean }>(
      `SELECT pg_catalog.quote_ident(attname) AS name, pg_catalog.format_type(atttypid, atttypmod) AS type,
              attgenerated <> '' AS generated
         FROM pg_catalog.pg_attribute
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [table],
    );
  const now = await read(live);
  const then = new Map((await read(loaded)).map((column) => [column.name, column]));
  const different = now.filter(({ name, type, generated }) => {
    const before = then.get(name);
    return before === undefined || before.type !== type || before.generated !== generated;
  });
  if (different.length === 0 && now.length === then.size) {
    return now
      .filter(({ generated }) => !generated)
      .map(({ name }) => name)
      .join(', ');
  }
  const gone = [...then.keys()].filter((name) => !now.some((column) => column.name === name));
  const names = [...different.map(({ name }) => name), ...gone].join(', ');
  throw new OperationError('restore-incomplete', `the columns of ${live} have changed since then: ${names}`, {
    hint: 'restore it beside the live one (without --replace), and move the rows with SQL of your own',
  });
}

async function refuseRules(sql: SqlConnection, oid: number, table: string): Promise<void> {
  const rules = await sql.query<SqlRow & { name: string }>(
    'SELECT rulename AS name FROM pg_catalog.pg_rewrite WHERE ev_class = $1',
    [oid],
  );
  if (rules.length === 0) return;
  const names = rules.map(({ name }) => name).join(', ');
  throw new OperationError('restore-incomplete', `${table} has rules, which would act on restored rows: ${names}`, {
    hint: 'restore it beside the live one, without --replace',
  });
}

/** TRUNCATE reaches through them: it would empty tables of another server. */
async function refuseForeignPartitions(sql: SqlConnection, oid: number, table: string): Promise<void> {
  const partitions = await sql.query<SqlRow & { name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_partition_tree($1) AS t
       JOIN pg_catalog.pg_class AS c ON c.oid = t.relid WHERE c.relkind = 'f' ORDER BY 1`,
    [oid],
  );
  if (partitions.length === 0) return;
  const names = partitions.map(({ name }) => name).join(', ');
  throw new OperationError('restore-incomplete', `${table} has partitions on another server: ${names}`, {
    hint: 'restore it beside the live one, without --replace, or detach these partitions first',
  });
}

function incomingForeignKeys(sql: SqlConnection, oid: number) {
  return sql.query<SqlRow & { table: string; name: string; definition: string; comment: string | null }>(
    `SELECT conrelid::regclass::text AS table, pg_catalog.quote_ident(conname) AS name,
            pg_catalog.pg_get_constraintdef(oid) AS definition,
            pg_catalog.quote_literal(pg_catalog.obj_description(oid, 'pg_constraint')) AS comment
       FROM pg_catalog.pg_constraint
      WHERE confrelid = $1 AND conrelid <> confrelid AND contype = 'f' AND conparentid = 0`,
    [oid],
  );
}

/** Of the table and its partitions, whose own triggers fire for rows that come through the table too. */
function enabledTriggers(sql: SqlConnection, oid: number) {
  return sql.query<SqlRow & { table: string; name: string; how: string }>(
    `SELECT tgrelid::regclass::text AS table, pg_catalog.quote_ident(tgname) AS name,
            CASE tgenabled WHEN 'A' THEN 'ALWAYS TRIGGER' WHEN 'R' THEN 'REPLICA TRIGGER' ELSE 'TRIGGER' END AS how
       FROM pg_catalog.pg_trigger
       LEFT JOIN pg_catalog.pg_partition_tree($1) AS tree ON tree.relid = tgrelid
      WHERE (tgrelid = $1 OR tree.relid IS NOT NULL) AND NOT tgisinternal AND tgenabled <> 'D'
      ORDER BY coalesce(tree.level, 0), tgrelid, tgname`,
    [oid],
  );
}

const foreignKeyViolation = '23503';

function replaceFailed(table: string, error: unknown): unknown {
  if (isOperationError(error, 'restore-incomplete')) return error;
  const violated = isOperationError(error) && error.detail['sqlstate'] === foreignKeyViolation;
  return new OperationError('restore-incomplete', `replacing the rows of ${table} failed: ${errorMessage(error)}`, {
    hint: violated
      ? 'other tables refer to rows that did not exist then (or the reverse): restore beside the live table, and decide'
      : 'the table is as it was; restore beside it, without --replace',
    detail: isOperationError(error) ? error.detail : {},
    cause: error,
  });
}
