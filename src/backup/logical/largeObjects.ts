import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { DumpFilters, NotCaptured } from '../dumpRecord.ts';

export interface LargeObjectChoice {
  readonly dumped: boolean;
  readonly notCaptured: readonly Omit<NotCaptured, 'database'>[];
}

/** As pg_dump, a dump of chosen schemas or tables holds no large objects; and all must be readable. */
export async function chooseLargeObjects(sql: SqlConnection, filters: DumpFilters): Promise<LargeObjectChoice> {
  const { total, unreadable } = await sql.queryOne<SqlRow & { total: bigint; unreadable: bigint }>(`
    SELECT pg_catalog.count(*) AS total,
           pg_catalog.count(*) FILTER (WHERE NOT (pg_catalog.pg_has_role(lomowner, 'USAGE') OR EXISTS (
             SELECT FROM pg_catalog.aclexplode(lomacl) AS a WHERE a.privilege_type = 'SELECT'
                AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE'))))) AS unreadable
      FROM pg_catalog.pg_largeobject_metadata`);
  if (total === 0n) return { dumped: false, notCaptured: [] };
  const what = `${total} large objects`;
  if (filters.schemas.length > 0 || filters.tables.length > 0) {
    const reason = 'a dump of chosen schemas or tables holds none';
    return { dumped: false, notCaptured: [{ what, reason, expected: true }] };
  }
  if (unreadable === 0n) return { dumped: true, notCaptured: [] };
  const reason = `the role may not read ${unreadable} of them`;
  return { dumped: false, notCaptured: [{ what, reason, expected: false }] };
}
