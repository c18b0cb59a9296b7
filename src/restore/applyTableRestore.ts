import { randomBytes } from 'node:crypto';
import { createContext, type Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlRow } from '../postgres/sqlConnection.ts';
import { claimSchema, copySchemaPrefix, dropOrphanSchemas } from './logical/leftovers.ts';
import { dumpArchive, loadArchive } from './logical/pgRestore.ts';
import { placeTable } from './logical/placeTable.ts';
import { replaceRows } from './logical/replaceRows.ts';
import { reshapeTable } from './logical/reshapeTable.ts';
import { quoted } from './logical/sqlStatements.ts';
import type { PlannedTable, TableName, TableRestorePlan } from './planTableRestore.ts';

/** A database that has the tables as they were; it is changed, and of no use afterwards. */
export interface StagedDatabase {
  readonly connection: ConnectionOptions;
  readonly database: string;
}

/** A table that came back. */
export interface RestoredTable extends TableName {
  readonly from: TableName;
  readonly rows: bigint;
  readonly replaced: boolean;
}

/**
 * Brings tables from a staged database into the target: each is moved into a schema of its own there, dumped with all
 * that belongs to it (indexes, constraints, defaults, sequences, comments, partitions; not foreign keys, triggers,
 * policies and rights), loaded in one transaction, and then put beside the live one, or its rows in the live one's
 * place. Throws `not-found` for a table that was not there, `restore-incomplete`, `program-failed`.
 */
export async function applyTableRestore(
  ctx: Context,
  plan: TableRestorePlan,
  { staged, progress = silentProgress }: { readonly staged: StagedDatabase; readonly progress?: Progress },
): Promise<RestoredTable[]> {
  const restored: RestoredTable[] = [];
  for (const planned of plan.tables) {
    progress.phase(`loading ${planned.from.schema}.${planned.from.name}`);
    try {
      restored.push(await restoreTable(ctx, plan, { planned, staged }));
    } catch (error) {
      throw toldWhatIsDone(error, restored);
    }
  }
  return restored;
}

/** Tables come back one by one: those before the one that failed stay. */
function toldWhatIsDone(error: unknown, restored: readonly RestoredTable[]): unknown {
  if (restored.length === 0 || !isOperationError(error)) return error;
  const names = restored.map(({ schema, name }) => `${schema}.${name}`);
  return new OperationError(error.code, `${error.message}; restored before it: ${names.join(', ')}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    detail: { ...error.detail, restored: names },
    cause: error,
  });
}

async function restoreTable(
  ctx: Context,
  plan: TableRestorePlan,
  { planned, staged }: { readonly planned: PlannedTable; readonly staged: StagedDatabase },
): Promise<RestoredTable> {
  const { from, name, replaces } = planned;
  const { programs, target } = plan;
  const work = `${copySchemaPrefix}${randomBytes(4).toString('hex')}`;
  await using sql = await openSqlConnection(ctx, target);
  await dropOrphanSchemas(ctx, sql);
  await claimSchema(sql, work);
  await reshapeTable(ctx, { ...staged, table: from }, work);
  const source = { programs, connection: staged.connection, database: staged.database };
  const only = [
    '--compress=0',
    '--no-owner',
    '--no-acl',
    '--no-publications',
    '--no-subscriptions',
    '--no-tablespaces',
  ];
  const archive = { name: from.name, bytes: dumpArchive(ctx, source, [`--schema=${work}`, ...only]) };
  const into = { programs, connection: target, database: target.database };
  await loadArchive(ctx, archive, { target: into, args: ['--single-transaction', '--no-owner', '--no-acl'] });
  try {
    await (replaces ? replaceRows(sql, from, work) : placeTable(sql, planned, work));
  } catch (error) {
    await dropWork(ctx, target, work);
    throw error;
  }
  const place = `${quoted(from.schema)}.${quoted(name)}`;
  const { rows } = await sql.queryOne<SqlRow & { rows: bigint }>(`SELECT count(*) AS rows FROM ${place}`);
  await sql.query(`ANALYZE ${place}`);
  ctx.log.info({ table: place, rows, replaced: replaces }, 'restored a table');
  return { schema: from.schema, name, from, rows, replaced: replaces };
}

/** Also after an abort. */
async function dropWork(ctx: Context, target: TableRestorePlan['target'], work: string): Promise<void> {
  try {
    await using sql = await openSqlConnection(createContext({ log: ctx.log, clock: ctx.clock }), target);
    await sql.query(`DROP SCHEMA IF EXISTS ${quoted(work)} CASCADE`);
  } catch (error) {
    ctx.log.error({ schema: work, err: error }, 'a table that was loaded could not be dropped');
  }
}
