import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import { isFaultOfTester, serverWords } from '../proof/fault.ts';
import type { Outcome } from '../proof/checkList.ts';
import type { VerifiedTable } from '../proof.ts';
import type { RestoredCluster } from './restoredCluster.ts';

interface Relation extends SqlRow {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly system: boolean;
}

export interface TablesRead {
  readonly outcome: Outcome;
  readonly tables: readonly VerifiedTable[];
}

/**
 * Reads every row of every table, materialised view, sequence and system catalog of every database, TOASTed values
 * included: each row is turned into text and hashed. Rows of ordinary tables are counted.
 */
export async function readTables(ctx: Context, cluster: RestoredCluster, progress: Progress): Promise<TablesRead> {
  const tables: VerifiedTable[] = [];
  const wrong: string[] = [];
  const blocked: string[] = [];
  const databases = await cluster.openDatabases(ctx);
  let read = 0;
  for (const database of databases) {
    const items = await cluster.session(ctx, database, listRelations);
    progress.phase(`reading tables of ${database}`, { items: items.length });
    await cluster.forEach(ctx, { database, items }, async (sql, relation) => {
      try {
        const { rows, fingerprint } = await readRelation(sql, relation.name);
        if (!relation.system) tables.push({ database, name: relation.name, rows: Number(rows), fingerprint });
      } catch (error) {
        ctx.signal.throwIfAborted();
        if (!isOperationError(error)) throw error;
        (isFaultOfTester(error) ? blocked : wrong).push(`${database}: ${relation.name}: ${serverWords(error)}`);
        if (isOperationError(error, 'postgres-unreachable')) throw error;
      }
      read++;
      progress.advance({ items: 1 });
    });
  }
  const status = wrong.length > 0 ? 'failed' : blocked.length > 0 ? 'inconclusive' : 'passed';
  const actual = `${read} relations in ${databases.length} databases read`;
  return { outcome: { status, actual, detail: [...wrong, ...blocked] }, tables: tables.toSorted(byName) };
}

/** Largest first, so that all sessions end at about the same time. Temporary tables are remains of sessions. */
async function listRelations(sql: SqlConnection): Promise<readonly Relation[]> {
  return sql.query<Relation>(`
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           c.relkind = 'S' OR n.nspname IN ('pg_catalog', 'information_schema') AS system
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'S') AND c.relpersistence <> 't' AND c.relispopulated
     ORDER BY c.relpages DESC, c.oid`);
}

async function readRelation(sql: SqlConnection, name: string): Promise<{ rows: bigint; fingerprint: string }> {
  return sql.queryOne<SqlRow & { rows: bigint; fingerprint: string }>(`
    SELECT pg_catalog.count(*) AS rows,
           coalesce(pg_catalog.sum(pg_catalog.hashtext(ROW("understudy row".*)::pg_catalog.text)), 0)::pg_catalog.text
             AS fingerprint
      FROM ONLY ${name} AS "understudy row"`);
}

function byName(one: VerifiedTable, other: VerifiedTable): number {
  const [left, right] = [`${one.database}.${one.name}`, `${other.database}.${other.name}`];
  return left < right ? -1 : Number(left > right);
}
