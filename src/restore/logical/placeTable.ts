import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { PlannedTable } from '../planTableRestore.ts';
import { freeName } from './freeName.ts';
import { tableTree } from './reshapeTable.ts';
import { quoted } from './sqlStatements.ts';

interface Relation extends SqlRow {
  readonly name: string;
  readonly kind: string;
}

/**
 * Moves a loaded table out of its work schema, under its final name; indexes, sequences and partitions that would meet
 * another of their name are renamed too. Nobody but its owner may read it: what default privileges granted is revoked.
 */
export async function placeTable(sql: SqlConnection, planned: PlannedTable, work: string): Promise<void> {
  const { from, name } = planned;
  await sql.query('BEGIN');
  const taken = new Set((await relationsOf(sql, from.schema)).map((relation) => relation.name));
  const loaded = await relationsOf(sql, work);
  await revokeAll(sql, work);
  for (const relation of loaded) {
    const isRoot = relation.name === from.name && 'rp'.includes(relation.kind);
    const place = isRoot ? name : freeName(nameInPlace(relation.name, planned, taken), taken);
    taken.add(place);
    if (place === relation.name) continue;
    const what = relation.kind === 'S' ? 'SEQUENCE' : 'iI'.includes(relation.kind) ? 'INDEX' : 'TABLE';
    await sql.query(`ALTER ${what} ${quoted(work)}.${quoted(relation.name)} RENAME TO ${quoted(place)}`);
  }
  for (const table of await tableTree(sql, { schema: work, name })) {
    await sql.query(`ALTER TABLE ${table.name} SET SCHEMA ${quoted(from.schema)}`);
  }
  await sql.query(`DROP SCHEMA ${quoted(work)}`);
  await sql.query('COMMIT');
}

/** What begins with the table's name goes on to do so. */
function nameInPlace(own: string, { from, name }: PlannedTable, taken: ReadonlySet<string>): string {
  if (!taken.has(own)) return own;
  return own.startsWith(from.name) && name !== from.name ? `${name}${own.slice(from.name.length)}` : `${own}_restored`;
}

async function relationsOf(sql: SqlConnection, schema: string): Promise<readonly Relation[]> {
  return sql.query<Relation>(
    `SELECT relname AS name, relkind::text AS kind FROM pg_catalog.pg_class
      WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) ORDER BY oid`,
    [schema],
  );
}

async function revokeAll(sql: SqlConnection, schema: string): Promise<void> {
  const rows = await sql.query<SqlRow & { statement: string }>(
    `SELECT DISTINCT pg_catalog.format('REVOKE ALL ON %s %I.%I FROM %s',
              CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END)
            AS statement
       FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
      CROSS JOIN LATERAL pg_catalog.aclexplode(relacl)
      WHERE nspname = $1 AND relkind IN ('r', 'p', 'S') AND grantee <> relowner`,
    [schema],
  );
  for (const { statement } of rows) await sql.query(statement);
}
