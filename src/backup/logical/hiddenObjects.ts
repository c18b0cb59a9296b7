import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import type { NotCaptured } from '../dumpRecord.ts';

/** What pg_dump leaves out without failing when the role is no superuser. */
export async function findHiddenObjects(sql: SqlConnection): Promise<Omit<NotCaptured, 'database'>[]> {
  const subscriptions = await sql.query<SqlRow & { name: string }>(`
    SELECT s.subname AS name FROM pg_catalog.pg_subscription AS s
      JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
     WHERE d.datname = pg_catalog.current_database() ORDER BY 1`);
  const mappings = await sql.query<SqlRow & { name: string }>(`
    SELECT 'of ' || usename || ' for server ' || srvname AS name FROM pg_catalog.pg_user_mappings
     WHERE umoptions IS NULL AND usename IS DISTINCT FROM CURRENT_USER ORDER BY 1`);
  const reason = 'only a superuser may read it';
  return [
    ...subscriptions.map(({ name }) => ({ what: `subscription ${name}`, reason, expected: false })),
    ...mappings.map(({ name }) => ({ what: `options of the user mapping ${name}`, reason, expected: false })),
  ];
}
