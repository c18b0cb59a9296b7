import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import type { Context } from '../../base/context.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import { shownName } from './differences.ts';

/**
 * Sequences whose next number is in the column that they belong to already, a line each. An application may have
 * written numbers of its own there; then they are so in the original too.
 */
export async function findUsedNumbers(
  ctx: Context,
  connection: ConnectionOptions & { readonly database: string },
  { sequences }: Pick<DumpedDatabase, 'sequences'>,
): Promise<string[]> {
  await using sql = await openSqlConnection(ctx, connection);
  const columns = await sql.query<SqlRow & { schema: string; name: string; table: string; column: string }>(`
    SELECT n.nspname AS schema, s.relname AS name, a.attrelid::pg_catalog.regclass::pg_catalog.text AS table,
           pg_catalog.quote_ident(a.attname) AS column
      FROM pg_catalog.pg_class AS s JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.oid
           AND d.refclassid = d.classid AND d.refobjsubid <> 0 AND d.deptype IN ('a', 'i')
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid AND t.relkind IN ('r', 'p')
     WHERE s.relkind = 'S' AND a.atttypid IN (20, 21, 23)`);
  const known = new Map(sequences.map((sequence) => [shownName(sequence.schema, sequence.name), sequence]));
  const lines: string[] = [];
  for (const { schema, name, table, column } of columns) {
    const sequence = known.get(shownName(schema, name));
    if (sequence === undefined || sequence.lastValue === null) continue;
    const rises = BigInt(sequence.increment) > 0n;
    const next = BigInt(sequence.lastValue) + (sequence.isCalled === true ? BigInt(sequence.increment) : 0n);
    const { used } = await sql.queryOne<SqlRow & { used: bigint | number | null }>(
      `SELECT ${rises ? 'max' : 'min'}(${column}) AS used FROM ${table}`,
    );
    if (used === null || (rises ? BigInt(used) < next : BigInt(used) > next)) continue;
    lines.push(
      `sequence ${shownName(schema, name)} goes on with ${next}, and ${table}.${column} holds ${used} already`,
    );
  }
  return lines;
}
