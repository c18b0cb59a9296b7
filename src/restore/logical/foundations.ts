import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { archiveEntries, entryText, type ArchiveContent, type RestoreTarget } from './pgRestore.ts';
import { quoted } from './sqlStatements.ts';

export interface Foundations {
  readonly from: DumpedDatabase;
  /** The archive with the definitions. */
  readonly content: ArchiveContent;
  readonly target: RestoreTarget;
}

/**
 * Makes the schemas and extensions that a dump of chosen relations stands on and does not make itself; resolves with
 * what the server said of those that could not be made.
 */
export async function makeFoundations(
  ctx: Context,
  { from, content, target }: Foundations,
): Promise<readonly string[]> {
  const entries = (await archiveEntries(ctx, content, target.programs)).map(entryText);
  const lacks = (kind: string, name: string): boolean => !entries.some((text) => text.startsWith(`${kind} - ${name} `));
  const statements = [
    ...from.schemas
      .filter(({ name }) => lacks('SCHEMA', name))
      .map(({ name, owner }) => `CREATE SCHEMA IF NOT EXISTS ${quoted(name)} AUTHORIZATION ${quoted(owner)}`),
    ...from.extensions
      .filter(({ name }) => lacks('EXTENSION', name))
      .map(({ name, schema }) => `CREATE EXTENSION IF NOT EXISTS ${quoted(name)} SCHEMA ${quoted(schema)} CASCADE`),
  ];
  const problems: string[] = [];
  await using sql = await openSqlConnection(ctx, { ...target.connection, database: target.database });
  for (const statement of statements) {
    try {
      await sql.query(statement);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isOperationError(error)) throw error;
      problems.push(`${statement}: ${error.message}`);
    }
  }
  return problems;
}

/**
 * A dump of chosen schemas makes the public one too, which every new database has: puts one without rights in its
 * place, as the dump goes on from, and resolves with the other entries. Undefined where the dump does not make it.
 */
export async function replacePublicSchema(
  ctx: Context,
  { from, content, target, owners }: Foundations & { readonly owners: boolean },
): Promise<readonly string[] | undefined> {
  const entries = await archiveEntries(ctx, content, target.programs);
  const others = entries.filter((line) => !entryText(line).startsWith('SCHEMA - public '));
  if (others.length === entries.length) return undefined;
  const owner = from.schemas.find(({ name }) => name === 'public')?.owner;
  const authorization = owners && owner !== undefined ? ` AUTHORIZATION ${quoted(owner)}` : '';
  await using sql = await openSqlConnection(ctx, { ...target.connection, database: target.database });
  await sql.query('DROP SCHEMA IF EXISTS public');
  await sql.query(`CREATE SCHEMA public${authorization}`);
  return others;
}
