import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestoredTable } from '../../restore/applyTableRestore.ts';
import { parseTableName, type TableRestoreOptions, type TableRestorePlan } from '../../restore/planTableRestore.ts';
import { describeTarget, parseRecoveryTarget, type RecoveryRequest } from '../../restore/recoveryTarget.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { openRepository, readLock } from '../openRepository.ts';
import { sandboxOptions } from '../restore/sandboxOptions.ts';
import { applyTablesAtTime, planTablesAtTime } from '../restore/tablesAtTime.ts';
import { applyTablesFromDump, planTablesFromDump } from '../restore/tablesFromDump.ts';
import { programDirectories, targetServer, timed } from '../restore/targetServer.ts';
import type { restoreTableSpec } from '../specs/restoreTable.ts';

type TableInvocation = Invocation<typeof restoreTableSpec>;

export const run: CommandRun<typeof restoreTableSpec> = async (ctx, invocation) => {
  const request = recoveryRequest(invocation);
  const wanted = await wantedTables(invocation);
  const repository = await openRepository(ctx, invocation);
  await withReadLock(ctx, repository, {
    ...readLock(invocation),
    run: async (locked) => {
      invocation.printer.progress.phase('planning');
      const restore = { repository, wanted };
      await (request === undefined
        ? fromDump(locked, invocation, restore)
        : atTarget(locked, invocation, { ...restore, request }));
    },
  });
};

interface TablesRestore {
  readonly repository: Repository;
  readonly wanted: Omit<TableRestoreOptions, 'sourceMajor' | 'dumpMajor'>;
}

async function atTarget(
  ctx: Context,
  invocation: TableInvocation,
  { repository, wanted, request }: TablesRestore & { readonly request: RecoveryRequest },
): Promise<void> {
  const { options, printer } = invocation;
  const { source, snapshot, from } = options;
  const sandbox = await sandboxOptions(invocation, options.scratch);
  const plan = await planTablesAtTime(ctx, repository, { ...wanted, request, source, snapshot, from });
  const { backup } = plan.route;
  const fields = { snapshot_id: backup.snapshot.id, source: backup.record.source, from: plan.database };
  const as = describeTarget(request.target, request.inclusive);
  if (options.dryRun) return printPlan(invocation, plan.tables, { fields: { ...fields, target: as }, as });
  const { progress } = printer;
  const { value, ms } = await timed(ctx, () => applyTablesAtTime(ctx, repository, { plan, sandbox, progress }));
  const { tables, lastCommit } = value;
  const more = { ...fields, target: as, last_commit: lastCommit ?? null };
  printRestored(invocation, tables, { fields: more, as, ms });
}

async function fromDump(
  ctx: Context,
  invocation: TableInvocation,
  { repository, wanted }: TablesRestore,
): Promise<void> {
  const { options, printer } = invocation;
  const selector = { text: options.snapshot ?? 'latest', source: options.source };
  const plan = await planTablesFromDump(ctx, repository, { ...wanted, selector, from: options.from });
  const { snapshot, record } = plan.dump;
  const fields = { snapshot_id: snapshot.id, source: record.source, from: plan.database };
  const as = record.snapshotTime;
  if (options.dryRun) return printPlan(invocation, plan.tables, { fields, as });
  const { value, ms } = await timed(ctx, () => applyTablesFromDump(ctx, plan, printer.progress));
  const { tables, problems, unmade } = value;
  printRestored(invocation, tables, { fields: { ...fields, not_made: problems }, as, ms });
  for (const problem of problems) printer.warn(`not made: ${visible(problem)}`);
  // a table whose rows are replaced keeps the indexes that it has
  if (unmade.length === 0 || invocation.options.replace) return;
  const parts = plural(unmade.length, 'index or constraint', 'indexes and constraints');
  throw new OperationError('restore-incomplete', `the rows are there, but ${parts} could not be made`, {
    hint: 'the warnings say why: add what is missing, then make them by hand',
    detail: { statements: unmade },
  });
}

/** Undefined: from a logical backup. */
function recoveryRequest({ options }: TableInvocation): RecoveryRequest | undefined {
  const { at, lsn, xid, name, exclusive } = options;
  if (at === undefined && lsn === undefined && xid === undefined && name === undefined) {
    if (!exclusive) return undefined;
    throw new OperationError('usage', '--exclusive is for a target that is excluded', {
      hint: 'say --at, --lsn or --xid',
    });
  }
  const target = parseRecoveryTarget({ time: at, lsn, xid, name });
  return { target, inclusive: !exclusive, timeline: 'latest', action: 'promote' };
}

async function wantedTables(invocation: TableInvocation): Promise<TablesRestore['wanted']> {
  const { options, arguments: names } = invocation;
  const { host, port, user, source, into, as, replace } = options;
  if (names.length === 0) throw new OperationError('usage', 'no table is named', { hint: 'name it: schema.table' });
  if (into === undefined) {
    throw new OperationError('usage', 'restore table needs --into', {
      hint: 'name the database that gets the tables; the live ones are not touched without --replace',
    });
  }
  const server = await targetServer(invocation, { host, port, user, database: into }, source);
  return {
    tables: names.map(parseTableName),
    target: { ...server, database: into },
    as,
    replace,
    programDirectories: await programDirectories(invocation),
  };
}

interface Outcome {
  readonly fields: Readonly<Record<string, unknown>>;
  /** The moment as which the tables come back, in words. */
  readonly as: string;
}

function printPlan({ printer }: TableInvocation, plan: TableRestorePlan, { fields, as }: Outcome): void {
  printer.end(true);
  const tables = plan.tables.map(({ from, name, replaces }) => ({
    schema: from.schema,
    table: from.name,
    name,
    replaces,
  }));
  printer.result('plan', { ...fields, into: plan.target.database, tables }, () => {
    const lines = tables.map(({ schema, table, name, replaces }) => {
      const how = replaces ? 'replaces the rows of the live table' : `as ${schema}.${name}`;
      return visible(`  ${schema}.${table} -> ${plan.target.database}: ${how}`);
    });
    return [`Would restore, as at ${as}:`, ...lines].join('\n');
  });
}

function printRestored(
  { printer, options }: TableInvocation,
  restored: readonly RestoredTable[],
  { fields, as, ms }: Outcome & { readonly ms: number },
): void {
  printer.end(true);
  const tables = restored.map(({ from, schema, name, rows, replaced }) => {
    return { schema, table: from.name, name, rows: Number(rows), replaced };
  });
  printer.result('restored', { ...fields, into: options.into, tables, seconds: ms / 1000 }, () => {
    const lines = tables.map(({ schema, table, name, rows, replaced }) => {
      const where = replaced ? 'in place of the rows that were there' : `as ${schema}.${name}`;
      return visible(`  ${schema}.${table}: ${plural(rows, 'row')}, ${where}`);
    });
    return [`Restored into ${options.into} as at ${as}, in ${formatDuration(ms)}:`, ...lines].join('\n');
  });
}
