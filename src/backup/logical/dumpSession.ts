import type { Context } from '../../base/context.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import { contentHashSettings } from '../dumpRecord.ts';

/** How long the first locks may take: somebody may be rewriting a table. */
const firstLockWaitMs = 10 * 60_000;
/**
 * How long the others may wait. All tables are locked by then, so who makes one wait is waiting for this dump itself,
 * and keeps every other reader of that table waiting too.
 */
export const laterLockWaitMs = 2_000;

/** A session inside the one snapshot that everything of a database is read in. */
export interface DumpSession extends AsyncDisposable {
  readonly sql: SqlConnection;
  /** For `SET TRANSACTION SNAPSHOT` and `pg_dump --snapshot`; valid while the session is open. */
  readonly snapshotId: string;
}

/** Begins a read-only transaction whose snapshot others can adopt. */
export async function openDumpSession(ctx: Context, connection: ConnectionOptions): Promise<DumpSession> {
  return begin(ctx, { connection, lockWaitMs: firstLockWaitMs }, async (sql) => {
    const row = await sql.queryOne<SqlRow & { id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
    return row.id;
  });
}

/** Another session in the same snapshot. */
export async function joinDumpSession(
  ctx: Context,
  connection: ConnectionOptions,
  snapshotId: string,
): Promise<DumpSession> {
  return begin(ctx, { connection, lockWaitMs: laterLockWaitMs }, async (sql) => {
    await sql.query(`SET TRANSACTION SNAPSHOT '${snapshotId}'`);
    return snapshotId;
  });
}

async function begin(
  ctx: Context,
  { connection, lockWaitMs }: { readonly connection: ConnectionOptions; readonly lockWaitMs: number },
  takeSnapshot: (sql: SqlConnection) => Promise<string>,
): Promise<DumpSession> {
  const sql = await openSqlConnection(ctx, connection);
  try {
    for (const [name, value] of Object.entries({ ...contentHashSettings, lock_timeout: String(lockWaitMs) })) {
      await sql.query('SELECT pg_catalog.set_config($1, $2, false)', [name, value]);
    }
    await sql.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const snapshotId = await takeSnapshot(sql);
    return { sql, snapshotId, [Symbol.asyncDispose]: () => sql[Symbol.asyncDispose]() };
  } catch (error) {
    await sql[Symbol.asyncDispose]();
    throw error;
  }
}
