import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import type { Repository } from '../../repository/repository.ts';
import { applyTableRestore, type RestoredTable } from '../../restore/applyTableRestore.ts';
import { findDump, type Dump, type DumpSelector } from '../../restore/loadDump.ts';
import { planTableRestore, type TableRestoreOptions, type TableRestorePlan } from '../../restore/planTableRestore.ts';
import { checkStaging, stageDumpedTables, type StagedDump } from '../../restore/stageDumpedTables.ts';
import { chooseDatabase } from './tablesAtTime.ts';

export interface TablesFromDumpOptions extends Omit<TableRestoreOptions, 'sourceMajor' | 'dumpMajor'> {
  readonly selector: DumpSelector;
  /** Database of the dump that has the tables; default the one named like the target, or the only one. */
  readonly from?: string | undefined;
}

/** How tables come back from a logical backup. */
export interface TablesFromDumpPlan {
  readonly dump: Dump;
  readonly database: string;
  readonly tables: TableRestorePlan;
}

/** Works it out, changing nothing. Throws as `findDump`, `planTableRestore` and `checkStaging`. */
export async function planTablesFromDump(
  ctx: Context,
  repository: Repository,
  options: TablesFromDumpOptions,
): Promise<TablesFromDumpPlan> {
  const dump = await findDump(ctx, repository, options.selector);
  const names = dump.record.databases.map(({ name }) => name);
  const database = chooseDatabase(names, options);
  const plan = await planTableRestore(ctx, { ...options, sourceMajor: dump.major, dumpMajor: dump.programMajor });
  await checkStaging(ctx, dump, { database, plan });
  return { dump, database, tables: plan };
}

/** Loads the tables into a staging database on the target server, takes them from there, and drops it. */
export async function applyTablesFromDump(
  ctx: Context,
  { dump, database, tables: plan }: TablesFromDumpPlan,
  progress: Progress,
): Promise<Pick<StagedDump, 'problems' | 'unmade'> & { readonly tables: readonly RestoredTable[] }> {
  await using staged = await stageDumpedTables(ctx, dump, { database, plan, progress });
  const { problems, unmade } = staged;
  return { tables: await applyTableRestore(ctx, plan, { staged, progress }), problems, unmade };
}
