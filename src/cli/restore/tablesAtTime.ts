import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { Repository } from '../../repository/repository.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { applyTableRestore, type RestoredTable } from '../../restore/applyTableRestore.ts';
import { findBaseBackup, loadBaseBackups } from '../../restore/baseBackup.ts';
import { chooseRoute, type Route } from '../../restore/chooseBackup.ts';
import { planTableRestore, type TableRestoreOptions, type TableRestorePlan } from '../../restore/planTableRestore.ts';
import { checkRequest, type RecoveryRequest } from '../../restore/recoveryTarget.ts';
import { loadClusters } from '../../restore/recoveryWindow.ts';
import { openRecoveredCopy, type RecoveredCopyOptions } from '../../verify/recoveredCopy.ts';

export interface TablesAtTimeOptions extends Omit<TableRestoreOptions, 'sourceMajor' | 'dumpMajor'> {
  readonly request: RecoveryRequest;
  /** Of the physical backups; needed where there are several. */
  readonly source?: string | undefined;
  /** The backup to start from; default the newest that ends before the target. */
  readonly snapshot?: string | undefined;
  /** Database of the cluster that has the tables; default the one named like the target, or the only one. */
  readonly from?: string | undefined;
}

/** Stands for the live database in a rehearsal. */
const rehearsalDatabase = 'understudy_rehearsal';

/** How tables come back from a physical backup. */
export interface TablesAtTimePlan {
  readonly route: Route;
  readonly request: RecoveryRequest;
  readonly database: string;
  readonly tables: TableRestorePlan;
}

/**
 * Chooses the backup from which the cluster is recovered, and where the tables go; changes nothing. Throws as
 * `planRecovery` about the target and as `planTableRestore` about the destination.
 */
export async function planTablesAtTime(
  ctx: Context,
  repository: Repository,
  options: TablesAtTimeOptions,
): Promise<TablesAtTimePlan> {
  const { sourceMajor, ...route } = await chooseTablesRoute(ctx, repository, options);
  return { ...route, tables: await planTableRestore(ctx, { ...options, sourceMajor }) };
}

async function chooseTablesRoute(
  ctx: Context,
  repository: Repository,
  options: TablesAtTimeOptions,
): Promise<Omit<TablesAtTimePlan, 'tables'> & { readonly sourceMajor: number }> {
  const { request, source, snapshot } = options;
  checkRequest(request, false);
  const backups =
    snapshot === undefined
      ? await loadBaseBackups(ctx, repository, source)
      : [await findBaseBackup(ctx, repository, { text: snapshot, source })];
  const route = await chooseRoute(ctx, { clusters: await loadClusters(ctx, repository, backups), request });
  const { record } = route.backup;
  const names = record.databases.map(({ name }) => name).filter((name) => name !== 'template0' && name !== 'template1');
  const database = chooseDatabase(names, options);
  return { route, request, database, sourceMajor: Math.floor(record.serverVersion / 10_000) };
}

/** Recovers the cluster in a sandbox, takes the tables out of it, and removes the sandbox. */
export async function applyTablesAtTime(
  ctx: Context,
  repository: Repository,
  { plan, sandbox, progress }: Pick<RecoveredCopyOptions, 'sandbox'> & { plan: TablesAtTimePlan; progress: Progress },
): Promise<{ readonly tables: readonly RestoredTable[]; readonly lastCommit: string | undefined }> {
  const { route, request, database } = plan;
  const wanted = { target: request.target, inclusive: request.inclusive, timeline: route.timeline };
  progress.phase('restoring the cluster in a sandbox');
  await using copy = await openRecoveredCopy(ctx, repository, { backup: route.backup, wanted, sandbox, progress });
  const staged = { connection: copy.connection, database };
  const tables = await applyTableRestore(ctx, plan.tables, { staged, progress });
  return { tables, lastCommit: copy.end.lastCommit };
}

/** Tables that came back where nobody uses them. */
export interface TablesRehearsed {
  readonly route: Route;
  readonly tables: readonly RestoredTable[];
  readonly lastCommit: string | undefined;
}

export interface RehearsalOptions extends Pick<RecoveredCopyOptions, 'sandbox' | 'progress'> {
  /** Of `target` only the name of the database counts; its server is not asked. */
  readonly options: TablesAtTimeOptions;
}

/**
 * As both of the above, into a copy of the database on the sandbox's own server: it stands for the live one, which is
 * not touched. Throws as both.
 */
export async function rehearseTablesAtTime(
  ctx: Context,
  repository: Repository,
  { options, sandbox, progress }: RehearsalOptions,
): Promise<TablesRehearsed> {
  const { route, request, database, sourceMajor } = await chooseTablesRoute(ctx, repository, options);
  const wanted = { target: request.target, inclusive: request.inclusive, timeline: route.timeline };
  await using copy = await openRecoveredCopy(ctx, repository, { backup: route.backup, wanted, sandbox, progress });
  {
    await using sql = await openSqlConnection(ctx, { ...copy.connection, database: 'template1' });
    const words = 'SELECT format($$CREATE DATABASE %I TEMPLATE %I$$, $1::text, $2::text) AS statement';
    const [row] = await sql.query(words, [rehearsalDatabase, database]);
    await sql.query(String(row?.['statement']));
  }
  const target = { ...copy.connection, database: rehearsalDatabase };
  const plan = await planTableRestore(ctx, { ...options, target, sourceMajor });
  const tables = await applyTableRestore(ctx, plan, { staged: { connection: copy.connection, database }, progress });
  return { route, tables, lastCommit: copy.end.lastCommit };
}

/** Which database the tables are taken from. Throws `not-found`, `usage`. */
export function chooseDatabase(
  names: readonly string[],
  { from, target }: Pick<TablesAtTimeOptions, 'from' | 'target'>,
): string {
  const wanted = from ?? (names.includes(target.database) ? target.database : undefined);
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const hint = `the backup holds: ${names.join(', ')}`;
  if (wanted !== undefined) throw new OperationError('not-found', `the backup has no database "${wanted}"`, { hint });
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new OperationError('usage', 'it is not clear which database the tables are taken from', {
    hint: `name it with --from; ${hint}`,
  });
}
