import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import type { Assertion } from './assertion.ts';

/** How an assertion gets at a restored database. */
export interface Login {
  readonly connection: ConnectionOptions;
  /** A role that cannot log in, to be taken on in the session. */
  readonly takeOn: string | undefined;
}

/**
 * Finds the database and the role of an assertion. Throws `backup-invalid` when either is not in what was restored,
 * `usage` when it is not said which database is meant.
 */
export async function findLogin(
  ctx: Context,
  server: ConnectionOptions,
  { database, role }: Pick<Assertion, 'database' | 'role'>,
): Promise<Login> {
  await using sql = await openSqlConnection(ctx, server);
  const connection = { ...server, database: chooseDatabase(await listDatabases(sql), database) };
  if (role === undefined) return { connection, takeOn: undefined };
  const rows = await sql.query<SqlRow & { login: boolean }>(
    'SELECT rolcanlogin AS login FROM pg_catalog.pg_roles WHERE rolname = $1',
    [role],
  );
  const [found] = rows;
  if (found === undefined) {
    throw new OperationError('backup-invalid', `what was restored has no role "${role}"`, {
      hint: 'roles come with a physical backup, or with the globals of a dump',
    });
  }
  // logging in as the role brings its settings and needs its right to connect, as for the application
  return found.login ? { connection: { ...connection, user: role }, takeOn: undefined } : { connection, takeOn: role };
}

async function listDatabases(sql: SqlConnection): Promise<string[]> {
  const rows = await sql.query<SqlRow & { name: string }>(
    'SELECT datname AS name FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1',
  );
  return rows.map(({ name }) => name);
}

function chooseDatabase(names: readonly string[], wanted: string | undefined): string {
  const own = names.filter((name) => name !== 'postgres');
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw new OperationError('backup-invalid', `what was restored has no database "${wanted}"`, {
      hint: `it has: ${names.join(', ')}`,
    });
  }
  if (own.length > 1) {
    throw new OperationError('usage', `there are ${own.length} databases, and the assertion names none`, {
      hint: `give it a \`database\`: ${own.join(', ')}`,
    });
  }
  return own[0] ?? 'postgres';
}
