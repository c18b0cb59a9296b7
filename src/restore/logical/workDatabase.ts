import { createHash } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { SqlConnection, SqlRow } from '../../postgres/sqlConnection.ts';
import { databaseExists } from './checkTarget.ts';
import { archiveEntries, archiveScript, entryText, withEntries, type ArchiveContent } from './pgRestore.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import { namePattern, quoted, sqlStatements } from './sqlStatements.ts';

const maxNameBytes = 63;
const workPrefix = 'understudy_restoring_';
const asidePrefix = 'understudy_replaced_';

/**
 * Name under which a database is built until it is complete: whatever ends a restore, nothing half done has the name
 * that was asked for.
 */
export function workName(name: string): string {
  return shortened(`${workPrefix}${name}`);
}

/** Removes what a killed restore left. Throws `destination-not-empty` while another restore is at work on it. */
export async function clearWorkDatabase(ctx: Context, sql: SqlConnection, work: string): Promise<void> {
  if (!(await databaseExists(sql, work))) return;
  const { sessions } = await sql.queryOne<SqlRow & { sessions: bigint }>(
    'SELECT count(*) AS sessions FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND backend_type = $2',
    [work, 'client backend'],
  );
  if (sessions > 0n) {
    throw new OperationError('destination-not-empty', `another restore is building database "${work}"`, {
      hint: 'wait for its end, or end its sessions',
    });
  }
  ctx.log.warn({ database: work }, 'removing what an interrupted restore left');
  await sql.query(`DROP DATABASE ${quoted(work)}`);
}

export interface DatabaseDefinition {
  /** The archive with the definitions; it is read more than once. */
  readonly content: () => ArchiveContent;
  readonly programs: ClientPrograms;
  /** Of pg_restore: `--no-owner`, `--no-acl`. */
  readonly args: readonly string[];
}

/**
 * Creates a database as the dump describes it (encoding, locale and its provider, owner, settings, rights), under
 * another name and in the server's default tablespace.
 */
export async function createWorkDatabase(
  ctx: Context,
  sql: SqlConnection,
  { work, definition }: { readonly work: string; readonly definition: DatabaseDefinition },
): Promise<void> {
  const { programs, args } = definition;
  const entries = (await archiveEntries(ctx, definition.content(), programs)).filter((line) =>
    /^(DATABASE|DATABASE PROPERTIES) - |^(ACL|COMMENT|SECURITY LABEL) - DATABASE /.test(entryText(line)),
  );
  const script = await withEntries(entries, (list) =>
    archiveScript(ctx, definition.content(), { programs, args: ['--create', '--no-tablespaces', ...args, ...list] }),
  );
  for (const statement of sqlStatements(script)) {
    const renamed = aboutDatabase(statement, work);
    if (renamed !== undefined) await sql.query(renamed);
  }
}

/** The same statement about another database; undefined for one that is about a session. */
function aboutDatabase(statement: string, work: string): string | undefined {
  if (/^(SET|SELECT) /.test(statement)) return undefined;
  return statement.replace(new RegExp(`\\bDATABASE ${namePattern}`), () => `DATABASE ${quoted(work)}`);
}

/**
 * Gives a complete database its name. One that has the name is put aside first and dropped last: should anything fail
 * in between it gets its name back.
 */
export async function publishDatabase(
  sql: SqlConnection,
  { work, name, replace }: { readonly work: string; readonly name: string; readonly replace: boolean },
): Promise<void> {
  if (!replace) return rename(sql, work, name);
  const aside = shortened(`${asidePrefix}${name}`);
  await sql.query(`ALTER DATABASE ${quoted(name)} ALLOW_CONNECTIONS false`);
  try {
    await rename(sql, name, aside);
  } catch (error) {
    await sql.query(`ALTER DATABASE ${quoted(name)} ALLOW_CONNECTIONS true`);
    throw error;
  }
  try {
    await rename(sql, work, name);
  } catch (error) {
    await sql.query(`ALTER DATABASE ${quoted(aside)} RENAME TO ${quoted(name)}`);
    await sql.query(`ALTER DATABASE ${quoted(name)} ALLOW_CONNECTIONS true`);
    throw error;
  }
  await sql.query(`DROP DATABASE ${quoted(aside)}`);
}

/** A database in use has no other name; PostgreSQL waits some seconds for its sessions to end. */
async function rename(sql: SqlConnection, from: string, to: string): Promise<void> {
  await sql.query('SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1', [from]);
  await sql.query(`ALTER DATABASE ${quoted(from)} RENAME TO ${quoted(to)}`);
}

/** Ours begins with a prefix of plain letters, which stays. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  return `${name.slice(0, asidePrefix.length)}${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
