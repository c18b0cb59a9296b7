import type { Context } from '../../base/context.ts';
import { silentProgress } from '../../base/progress.ts';
import type { TablesRequest, TablesRestored } from '../../recovery/stepServices.ts';
import type { Repository } from '../../repository/repository.ts';
import { parseRecoveryTarget } from '../../restore/recoveryTarget.ts';
import type { Invocation } from '../command.ts';
import { sandboxOptions } from '../restore/sandboxOptions.ts';
import {
  applyTablesAtTime,
  planTablesAtTime,
  rehearseTablesAtTime,
  type TablesRehearsed,
} from '../restore/tablesAtTime.ts';
import { applyTablesFromDump, planTablesFromDump } from '../restore/tablesFromDump.ts';

export interface TablesRestore {
  readonly invocation: Pick<Invocation, 'loadConfig'>;
  readonly repository: Repository;
  readonly request: TablesRequest;
}

/** Brings tables back for a step of a plan, as `understudy restore table` does. Throws as that does. */
export async function restoreTables(
  ctx: Context,
  { invocation, repository, request: { time, source, snapshot, from, sandbox: rehearsed, ...wanted } }: TablesRestore,
): Promise<TablesRestored> {
  const programDirectories = (await invocation.loadConfig()).config.postgresBinaries;
  const options = { ...wanted, programDirectories, from };
  if (time === undefined) {
    const selector = { text: snapshot ?? 'latest', source };
    const plan = await planTablesFromDump(ctx, repository, { ...options, selector });
    const { tables, unmade } = await applyTablesFromDump(ctx, plan, silentProgress);
    const { snapshot: found, record } = plan.dump;
    // a table whose rows are replaced keeps the indexes that it has
    return { snapshot: found.id, consistentAt: record.snapshotTime, tables, unmade: wanted.replace ? [] : unmade };
  }
  const request = {
    target: parseRecoveryTarget(time === 'latest' ? {} : { time }),
    inclusive: true,
    timeline: 'latest',
    action: 'promote',
  } as const;
  const atTime = { ...options, request, source, snapshot };
  const room = { sandbox: await sandboxOptions(invocation, undefined), progress: silentProgress };
  if (rehearsed) return told(await rehearseTablesAtTime(ctx, repository, { ...room, options: atTime }));
  const plan = await planTablesAtTime(ctx, repository, atTime);
  return told({ ...(await applyTablesAtTime(ctx, repository, { ...room, plan })), route: plan.route });
}

function told({ tables, lastCommit, route }: TablesRehearsed): TablesRestored {
  const { snapshot, record } = route.backup;
  return { snapshot: snapshot.id, consistentAt: lastCommit ?? record.stopTime, tables, unmade: [] };
}
