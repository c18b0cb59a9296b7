import { createHash } from 'node:crypto';
import { createContext, type Context } from '../../base/context.ts';
import { OperationError, errorMessage, isOperationError } from '../../base/errors.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import { databaseExists } from './checkTarget.ts';
import { archiveEntries, archiveScript, entryText, withEntries, type ArchiveContent } from './pgRestore.ts';
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

/** Name under which a database that was replaced exists until it is dropped. */
export function asideName(name: string): string {
  return shortened(`${asidePrefix}${name}`);
}

/** Removes what a killed restore left. Throws `destination-not-empty` while another restore is at work on it. */
export async function clearLeftDatabase(ctx: Context, sql: SqlConnection, left: string): Promise<void> {
  if (!(await databaseExists(sql, left))) return;
  const { sessions } = await sql.queryOne<SqlRow & { sessions: bigint }>(
    'SELECT count(*) AS sessions FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND backend_type = $2',
    [left, 'client backend'],
  );
  if (sessions > 0n) {
    throw new OperationError('destination-not-empty', `database "${left}" of another restore is in use`, {
      hint: 'wait for its end, or end its sessions',
    });
  }
  ctx.log.warn({ database: left }, 'removing what an interrupted restore left');
  await dropDatabase(sql, left);
}

/** Drops a database that is ours; nothing to do when it is not there. */
export async function dropDatabase(sql: SqlConnection, name: string): Promise<void> {
  const [row] = await sql.query('SELECT datistemplate AS template FROM pg_catalog.pg_database WHERE datname = $1', [
    name,
  ]);
  if (row?.['template'] === true) await sql.query(`ALTER DATABASE ${quoted(name)} IS_TEMPLATE false`);
  await sql.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
}

const entriesOfDatabase = /^(DATABASE|DATABASE PROPERTIES) - |^(ACL|COMMENT|SECURITY LABEL) - DATABASE /;
/** The statements without which there is no database. */
const making = new RegExp(`^CREATE DATABASE |^ALTER DATABASE ${namePattern} OWNER TO `);

/** From this version on databases have a locale provider, which a pg_dump as new also names for older servers. */
const localeProviderMajor = 15;
const libcProvider = / LOCALE_PROVIDER = libc\b/;

export interface DatabaseDefinition {
  /** The archive with the definitions; it is read more than once. */
  readonly content: () => ArchiveContent;
  readonly programs: ClientPrograms;
  /** Of pg_restore: `--no-owner`, `--no-acl`. */
  readonly args: readonly string[];
}

/**
 * Creates a database as the dump describes it (encoding, locale and its provider, owner), under another name and in the
 * server's default tablespace.
 */
export async function createWorkDatabase(
  ctx: Context,
  sql: SqlConnection,
  { work, definition }: { readonly work: string; readonly definition: DatabaseDefinition },
): Promise<void> {
  const statements = await databaseStatements(ctx, definition);
  for (const statement of statements.filter((text) => making.test(text))) {
    const known = sql.major < localeProviderMajor ? statement.replace(libcProvider, '') : statement;
    await sql.query(aboutDatabase(known, work));
  }
}

/** The statements that give a database its settings (also those of roles in it), limits, rights and comment. */
export async function databaseProperties(ctx: Context, definition: DatabaseDefinition): Promise<readonly string[]> {
  return (await databaseStatements(ctx, definition)).filter((text) => !making.test(text));
}

/** Comes last: a setting such as default_transaction_read_only would be in the way of loading. */
export async function setDatabaseProperties(
  sql: SqlConnection,
  { database, properties }: { readonly database: string; readonly properties: readonly string[] },
): Promise<void> {
  for (const statement of properties) await sql.query(aboutDatabase(statement, database));
}

/** As `setDatabaseProperties`, of a database that somebody else made: its rights, and what only they may set, stay. */
export async function setAllowedProperties(
  ctx: Context,
  sql: SqlConnection,
  { database, properties }: { readonly database: string; readonly properties: readonly string[] },
): Promise<void> {
  for (const statement of properties.filter((text) => !/^(GRANT|REVOKE) /.test(text))) {
    try {
      await setDatabaseProperties(sql, { database, properties: [statement] });
    } catch (error) {
      if (!isOperationError(error, 'postgres-denied')) throw error;
      ctx.log.warn({ database, statement }, 'a setting of the database is left out: this role may not make it');
    }
  }
}

/** Only `--create` shows what is about the database as a whole; the statements about sessions between are left out. */
async function databaseStatements(
  ctx: Context,
  { content, programs, args }: DatabaseDefinition,
): Promise<readonly string[]> {
  const all = await archiveEntries(ctx, content(), programs, ['--create']);
  const entries = all.filter((line) => entriesOfDatabase.test(entryText(line)));
  const script = await withEntries(entries, (list) =>
    archiveScript(ctx, content(), { programs, args: ['--create', '--no-tablespaces', ...args, ...list] }),
  );
  return sqlStatements(script).filter((statement) => !/^(SET|SELECT|RESET) /.test(statement));
}

/** The same statement about another database. */
function aboutDatabase(statement: string, work: string): string {
  return statement.replace(new RegExp(`\\bDATABASE ${namePattern}`), () => `DATABASE ${quoted(work)}`);
}

export interface Publication {
  readonly work: string;
  readonly name: string;
  readonly replace: boolean;
}

/**
 * Gives a complete database its name. One that has the name is put aside in the same transaction and dropped last, so
 * at every moment there is one of that name, open for everybody. Nothing aborts it half-way.
 */
export async function publishDatabase(
  outer: Context,
  target: ConnectionOptions,
  { work, name, replace }: Publication,
): Promise<void> {
  outer.signal.throwIfAborted();
  const ctx = createContext({ log: outer.log, clock: outer.clock });
  await using sql = await openSqlConnection(ctx, target);
  await using other = await openSqlConnection(ctx, target);
  const rename = (from: string, to: string): Promise<void> => renameDatabase(ctx, { sql, other, from, to });
  await sql.query('BEGIN');
  try {
    if (replace) await rename(name, asideName(name));
    await rename(work, name);
    await sql.query('COMMIT');
  } catch (error) {
    await sql.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  if (!replace) return;
  const aside = asideName(name);
  await dropDatabase(sql, aside).catch((error: unknown) => {
    const reason = errorMessage(error);
    throw new OperationError(
      'restore-incomplete',
      `database "${name}" is restored, but the one that it replaced could not be dropped: ${reason}`,
      { hint: `it is there as "${aside}": drop it`, detail: { database: name, aside }, cause: error },
    );
  });
}

const endSessionsEveryMs = 200;

/**
 * A database in use has no other name. PostgreSQL waits five seconds for its sessions to end, and lets none begin
 * meanwhile.
 */
async function renameDatabase(
  ctx: Context,
  { sql, other, from, to }: { readonly sql: SqlConnection; other: SqlConnection; from: string; to: string },
): Promise<void> {
  const renaming = sql.query(`ALTER DATABASE ${quoted(from)} RENAME TO ${quoted(to)}`);
  const ended = renaming.then(
    () => true,
    () => true,
  );
  do {
    await other.query('SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1', [from]);
  } while (!(await Promise.race([ended, ctx.clock.sleep(endSessionsEveryMs).then(() => false)])));
  await renaming;
}

/** Ours begins with a prefix of plain letters, which stays. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  return `${name.slice(0, asidePrefix.length)}${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
