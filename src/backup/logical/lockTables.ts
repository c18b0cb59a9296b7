import type { SqlConnection } from '../../postgres/sqlConnection.ts';
import { exactPattern } from './namePattern.ts';
import type { Relation } from './relations.ts';

const tablesAtOnce = 200;

/**
 * Keeps the definitions as the snapshot has them until the dump is over: pg_dump reads some of them as they are now.
 * Throws `postgres-settings` when a table was dropped meanwhile, or its lock does not come.
 */
export async function lockTables(sql: SqlConnection, relations: readonly Relation[]): Promise<void> {
  const names = relations
    .filter(({ kind }) => kind === 'r' || kind === 'p')
    .map(({ schema, name }) => exactPattern(schema, name));
  for (let at = 0; at < names.length; at += tablesAtOnce) {
    await sql.query(`LOCK TABLE ONLY ${names.slice(at, at + tablesAtOnce).join(', ONLY ')} IN ACCESS SHARE MODE`);
  }
}
