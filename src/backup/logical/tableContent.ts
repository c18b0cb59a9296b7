import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import { contentHashSql, type DumpedTable } from '../dumpRecord.ts';
import { exactPattern } from './namePattern.ts';
import type { Relation } from './relations.ts';

/** What the rows of a table are, in the snapshot of the session. */
export type TableContent = Pick<DumpedTable, 'rows' | 'contentHash'>;

/** Counts, and unless the table is larger than the limit hashes, the rows that pg_dump dumps of it. */
export async function readTableContent(
  sql: SqlConnection,
  { schema, name, configuration, sizeBytes }: Relation,
  contentHashLimitBytes: number | undefined,
): Promise<TableContent> {
  const hashed = contentHashLimitBytes === undefined || sizeBytes <= BigInt(contentHashLimitBytes);
  const row = await sql.queryOne<SqlRow & { rows: bigint; hash: string | null }>(`
    SELECT pg_catalog.count(*) AS rows, ${hashed ? contentHashSql('x') : 'NULL'} AS hash
      FROM (SELECT * FROM ONLY ${exactPattern(schema, name)} ${configuration ?? ''}) AS x`);
  return { rows: Number(row.rows), contentHash: row.hash };
}
