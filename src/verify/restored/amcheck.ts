import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { Outcome } from '../proof/checkList.ts';
import { serverWords } from '../proof/fault.ts';
import type { RestoredCluster } from './restoredCluster.ts';

export interface AmcheckOptions {
  /** Whether the server has the extension's files. */
  readonly available: boolean;
  /**
   * Share of the indexes (0 to 1) for which every row of the table is looked up in the index; the others' shape is
   * checked.
   */
  readonly everyRow: number;
  /** Databases whose collations are not those of the source: the order of their indexes cannot be judged here. */
  readonly otherCollations: ReadonlySet<string>;
  readonly progress: Progress;
}

const heapCheckSince = 14;
const maxFindingsPerTable = 5;
const noAmcheck: Outcome = {
  status: 'inconclusive',
  actual: 'the amcheck extension is not installed beside this server',
  hint: 'install the contrib modules of this PostgreSQL version (on Debian they come with the server)',
};

interface Relation extends SqlRow {
  readonly oid: number;
  readonly name: string;
}

/** Checks the structure of every B-tree, and that it has an entry for every row. */
export async function checkIndexes(ctx: Context, cluster: RestoredCluster, options: AmcheckOptions): Promise<Outcome> {
  if (!options.available) return noAmcheck;
  const wrong: string[] = [];
  const doubtful: string[] = [];
  let indexes = 0;
  let deep = 0;
  for (const database of await cluster.openDatabases(ctx)) {
    const schema = await cluster.session(ctx, database, prepareAmcheck);
    const items = await cluster.session(ctx, database, listIndexes);
    options.progress.phase(`checking indexes of ${database}`, { items: items.length });
    await cluster.forEach(ctx, { database, items }, async (sql, { oid, name }) => {
      const everyRow = Math.random() < options.everyRow;
      const problem = await problemOf(ctx, sql, {
        text: `SELECT ${schema}.bt_index_check($1::pg_catalog.oid::pg_catalog.regclass, $2)`,
        values: [oid, everyRow],
      });
      indexes++;
      deep += Number(everyRow);
      options.progress.advance({ items: 1 });
      if (problem === undefined) return;
      const order = options.otherCollations.has(database) && /order invariant/.test(problem);
      (order ? doubtful : wrong).push(`${database}: ${name}: ${problem}`);
    });
  }
  const actual = `${indexes} indexes, of ${deep} every row looked up`;
  const detail = [...wrong, ...doubtful];
  if (wrong.length === 0 && doubtful.length > 0) {
    const hint = 'verify on a machine with the collation library of the source; there REINDEX puts such an index right';
    return { status: 'inconclusive', actual, detail, hint };
  }
  return { status: wrong.length > 0 ? 'failed' : 'passed', actual, detail };
}

/** Checks every heap, tuple by tuple, values stored out of line included. */
export async function checkHeaps(ctx: Context, cluster: RestoredCluster, options: AmcheckOptions): Promise<Outcome> {
  if (cluster.major < heapCheckSince) {
    return { status: 'skipped', detail: [`verify_heapam came with PostgreSQL ${heapCheckSince}`] };
  }
  if (!options.available) return noAmcheck;
  const wrong: string[] = [];
  let heaps = 0;
  for (const database of await cluster.openDatabases(ctx)) {
    const schema = await cluster.session(ctx, database, prepareAmcheck);
    const items = await cluster.session(ctx, database, listHeaps);
    options.progress.phase(`checking tables of ${database}`, { items: items.length });
    await cluster.forEach(ctx, { database, items }, async (sql, { oid, name }) => {
      for (const finding of await heapFindings(ctx, sql, { schema, oid }))
        wrong.push(`${database}: ${name}: ${finding}`);
      heaps++;
      options.progress.advance({ items: 1 });
    });
  }
  return { status: wrong.length > 0 ? 'failed' : 'passed', actual: `${heaps} tables`, detail: wrong };
}

async function heapFindings(
  ctx: Context,
  sql: SqlConnection,
  { schema, oid }: { readonly schema: string; readonly oid: number },
): Promise<string[]> {
  try {
    const rows = await sql.query<SqlRow & { finding: string }>(
      `SELECT pg_catalog.format('block %s, tuple %s: %s', blkno, offnum, msg) AS finding
         FROM ${schema}.verify_heapam(relation := $1::pg_catalog.oid::pg_catalog.regclass, check_toast := true)
        LIMIT ${maxFindingsPerTable}`,
      [oid],
    );
    return rows.map(({ finding }) => finding);
  } catch (error) {
    return [damageOf(ctx, error)];
  }
}

/** Installs the extension in this copy, unless the database has it; returns its schema, quoted. */
async function prepareAmcheck(sql: SqlConnection): Promise<string> {
  const find = `
    SELECT pg_catalog.quote_ident(nspname) AS schema FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE extname = 'amcheck'`;
  const [present] = await sql.query<SqlRow & { schema: string }>(find);
  if (present !== undefined) return present.schema;
  await sql.query('CREATE SCHEMA understudy_amcheck');
  await sql.query('CREATE EXTENSION amcheck SCHEMA understudy_amcheck');
  return 'understudy_amcheck';
}

async function listIndexes(sql: SqlConnection): Promise<readonly Relation[]> {
  return sql.query<Relation>(`
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_catalog.pg_index AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
     WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisready AND i.indisvalid
     ORDER BY c.relpages DESC, c.oid`);
}

async function listHeaps(sql: SqlConnection): Promise<readonly Relation[]> {
  return sql.query<Relation>(`
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
     WHERE a.amname = 'heap' AND c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'
     ORDER BY c.relpages DESC, c.oid`);
}

async function problemOf(
  ctx: Context,
  sql: SqlConnection,
  { text, values }: { readonly text: string; readonly values: readonly unknown[] },
): Promise<string | undefined> {
  try {
    await sql.query(text, values);
    return undefined;
  } catch (error) {
    return damageOf(ctx, error);
  }
}

/** What the server says about damage. An error that ends the session, or is not the server's, is thrown. */
function damageOf(ctx: Context, error: unknown): string {
  ctx.signal.throwIfAborted();
  if (!isOperationError(error) || error.code === 'postgres-unreachable') throw error;
  return serverWords(error);
}
