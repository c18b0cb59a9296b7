import { tmpdir } from 'node:os';
import { createContext, type Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { removeOrphans } from '../postgres/scratchDirectory.ts';
import { openSqlConnection, type SqlConnection } from '../postgres/sqlConnection.ts';
import { applyGlobals } from './logical/globals.ts';
import { DatabaseLoader, type LoadOptions } from './logical/loadDatabase.ts';
import { quoted } from './logical/sqlStatements.ts';
import {
  asideName,
  clearLeftDatabase,
  createWorkDatabase,
  dropDatabase,
  publishDatabase,
  setAllowedProperties,
  setDatabaseProperties,
  workName,
} from './logical/workDatabase.ts';
import { databaseDefinition, type LogicalRestorePlan, type PlannedDatabase } from './planLogicalRestore.ts';

export interface ApplyLogicalRestoreOptions {
  /** Sessions that load at once; default 4. */
  readonly jobs?: number | undefined;
  /**
   * For dumps of chosen relations, which refer to what they do not hold: go on after what cannot be made, and tell it
   * here in pg_restore's words, with the name of the database. Without, that ends the restore.
   */
  readonly onUnmade?: ((database: string, problems: readonly string[]) => void) | undefined;
  /** Leave a database that could not be completed, for a look at it. */
  readonly keepFailed?: boolean;
  readonly progress?: Progress;
}

const defaultJobs = 4;

/**
 * Executes a plan, one database after the other. A new database is built under another name and gets its own when it
 * is complete; one to be replaced is dropped only then. Throws `restore-incomplete` with pg_restore's words,
 * `repository-damaged`, and what the server says; what was built is dropped again.
 */
export async function applyLogicalRestore(
  ctx: Context,
  plan: LogicalRestorePlan,
  options: ApplyLogicalRestoreOptions = {},
): Promise<void> {
  const { jobs = defaultJobs, progress = silentProgress, keepFailed = false, onUnmade } = options;
  await removeOrphans(ctx, tmpdir()); // the files that a killed restore handed to pg_restore
  await using sql = await openSqlConnection(ctx, plan.target);
  if (plan.globals !== undefined) await applyGlobals(ctx, sql, plan.globals);
  for (const planned of plan.databases) {
    // a complete dump has no excuse
    const tell = onUnmade === undefined || planned.lacking.length === 0 ? undefined : onUnmade;
    const told = (problems: readonly string[]): void => tell?.(planned.from.name, problems);
    const loading = { jobs, progress, onUnmade: tell === undefined ? undefined : told };
    const restoring = { plan, planned, options: loading };
    if (planned.action === 'create' || planned.action === 'replace') {
      await buildDatabase(ctx, sql, { ...restoring, keepFailed });
    } else {
      await extendDatabase(ctx, sql, restoring);
    }
    ctx.log.info({ database: planned.name, tables: planned.tables }, 'restored a database');
  }
}

interface Restoring {
  readonly plan: LogicalRestorePlan;
  readonly planned: PlannedDatabase;
  readonly options: LoadOptions;
}

async function buildDatabase(
  ctx: Context,
  sql: SqlConnection,
  { plan, planned, options, keepFailed }: Restoring & { readonly keepFailed: boolean },
): Promise<void> {
  const { name, action, properties } = planned;
  const replace = action === 'replace';
  const work = workName(name);
  await clearLeftDatabase(ctx, sql, work);
  if (replace) await clearLeftDatabase(ctx, sql, asideName(name));
  try {
    await createWorkDatabase(ctx, sql, { work, definition: databaseDefinition(ctx, plan, planned.from) });
    await new DatabaseLoader(ctx, { plan, planned, database: work, options }).load();
    await setDatabaseProperties(sql, { database: work, properties });
    await publishDatabase(ctx, plan.target, { work, name, replace });
  } catch (error) {
    if (keepFailed) throw toldWhere(error, work, 'look at it, then drop it');
    await dropAgain(ctx, plan, work);
    throw error;
  }
}

/** What was there stays there, so nothing can be dropped when it fails. */
async function extendDatabase(ctx: Context, sql: SqlConnection, { plan, planned, options }: Restoring): Promise<void> {
  const { name, action, properties } = planned;
  try {
    await new DatabaseLoader(ctx, { plan, planned, database: name, options }).load();
    if (action === 'fill') await setAllowedProperties(ctx, sql, { database: name, properties });
  } catch (error) {
    const hint =
      plan.schema === undefined
        ? 'it was empty before: drop what is in it, or the database, and make it anew'
        : `drop the schema that was begun, and nothing else: DROP SCHEMA ${quoted(plan.schema)} CASCADE`;
    throw toldWhere(error, name, hint);
  }
}

function toldWhere(error: unknown, database: string, hint: string): unknown {
  if (!isOperationError(error)) return error;
  return new OperationError(error.code, `${error.message}; database "${database}" holds a part of the dump`, {
    hint,
    detail: { ...error.detail, database },
    cause: error,
  });
}

/** Also after an abort; that it fails is told and does not hide why it was needed. */
async function dropAgain(ctx: Context, { target }: LogicalRestorePlan, work: string): Promise<void> {
  try {
    await using sql = await openSqlConnection(createContext({ log: ctx.log, clock: ctx.clock }), target);
    await dropDatabase(sql, work);
  } catch (error) {
    ctx.log.error({ database: work, err: error }, 'a database that is not complete could not be dropped');
  }
}
