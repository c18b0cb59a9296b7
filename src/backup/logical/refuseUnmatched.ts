import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import type { LogicalBackupOptions } from '../logicalBackup.ts';
import { matchFilters } from './relations.ts';
import type { DatabaseEntry } from './serverFacts.ts';

/**
 * Throws `not-found` for a pattern of what to include that matches in no database: a mistake that would otherwise be
 * found when the backup is needed.
 */
export async function refuseUnmatched(
  ctx: Context,
  { connection, filters }: Pick<LogicalBackupOptions, 'connection' | 'filters'>,
  entries: readonly DatabaseEntry[],
): Promise<void> {
  let nowhere: readonly string[] = [...filters.schemas, ...filters.tables];
  for (const { name } of entries) {
    if (nowhere.length === 0) return;
    await using sql = await openSqlConnection(ctx, { ...connection, database: name });
    const { unmatched } = await matchFilters(sql, filters);
    nowhere = nowhere.filter((pattern) => unmatched.includes(pattern));
  }
  if (nowhere.length === 0) return;
  throw new OperationError('not-found', `nothing matches ${nowhere.join(', ')}`, {
    hint: 'schemas and tables are patterns as in pg_dump: upper-case names need double quotes',
    detail: { patterns: nowhere },
  });
}
