import { OperationError } from '../../base/errors.ts';
import { forget, type ForgetResult, type ForgetSelection } from '../../retention/forget.ts';
import type { ForgetGroup } from '../../snapshot/forgetPlan.ts';
import { parseGroupBy } from '../../snapshot/snapshotGroups.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { policyOfConfig, policyOfFlags } from '../forget/policy.ts';
import { plural } from '../format.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { pruneFields, pruneText, repackOptions } from '../prune/describePrune.ts';
import { snapshotFilter } from '../snapshotChoice.ts';
import { snapshotColumns } from '../snapshots/describeSnapshot.ts';
import { groupText } from '../snapshots/groupText.ts';
import type { forgetSpec } from '../specs/forget.ts';
import { formatTable, usedColumns, type Column } from '../table.ts';

type ForgetInvocation = Invocation<typeof forgetSpec>;

export const run: CommandRun<typeof forgetSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const selection = await selectionOf(invocation);
  const limits = repackOptions(options, await invocation.repositorySettings());
  const repository = await openRepository(ctx, invocation);
  const result = await forget(ctx, repository, {
    selection,
    dryRun: options.dryRun,
    ...(options.prune ? { prune: limits } : {}),
    ...lockWait(invocation),
    progress: printer.progress,
  });
  printer.end(true);
  printResult(invocation, result);
};

async function selectionOf(invocation: ForgetInvocation): Promise<ForgetSelection> {
  const { arguments: named, options } = invocation;
  const groupBy = options.groupBy === undefined ? {} : { groupBy: parseGroupBy(options.groupBy) };
  const flags = policyOfFlags(options);
  if (named.length > 0) {
    if (flags === undefined) return { named, force: options.force, ...groupBy };
    throw new OperationError('usage', 'snapshots are named and rules are given', {
      hint: 'give either the ones to forget, or the rules that say which to keep',
    });
  }
  const policy = flags ?? policyOfConfig((await invocation.loadConfig()).config);
  if (policy !== undefined)
    return { policy, filter: snapshotFilter(options), allowRemoveAll: options.force, ...groupBy };
  throw new OperationError('usage', 'there is no rule that says which snapshots to keep', {
    hint: 'give rules such as --keep-daily 7, or set them under retention in understudy.yaml',
  });
}

function printResult({ options, printer, terminal }: ForgetInvocation, { forgotten, pruned }: ForgetResult): void {
  const { dryRun } = options;
  for (const group of forgotten.groups) {
    for (const { snapshot, keep, reasons } of printer.json ? group.decisions : []) {
      const fields = { snapshot_id: snapshot.id, keep, reasons, group: group.key };
      printer.result('forget_decision', fields, () => '');
    }
    if (!printer.json) printer.remark(groupTables(terminal, group, dryRun));
  }
  const { keep, remove } = forgotten;
  const summary = { dry_run: dryRun, kept: keep.length, removed: remove.length };
  printer.result('forget_summary', summary, () => {
    return `${plural(remove.length, 'snapshot')} ${dryRun ? 'would be forgotten' : 'forgotten'}, ${keep.length} kept`;
  });
  if (pruned !== undefined)
    printer.result('prune_summary', pruneFields(pruned, dryRun), () => pruneText(pruned, dryRun));
}

type Decision = ForgetGroup['decisions'][number];

const columns: readonly Column<Decision>[] = [
  ...snapshotColumns.map(({ value, ...column }) => ({
    ...column,
    value: ({ snapshot }: Decision) => value({ snapshot, record: undefined }),
  })),
  { title: 'Reasons', value: ({ reasons }) => reasons.join(', ') },
];

function groupTables(terminal: ForgetInvocation['terminal'], group: ForgetGroup, dryRun: boolean): string {
  const { key, decisions } = group;
  const table = (verb: string, rows: readonly Decision[]): string[] => {
    if (rows.length === 0) return [];
    return [`${verb} ${plural(rows.length, 'snapshot')}:`, formatTable(terminal, usedColumns(columns, rows), rows), ''];
  };
  return [
    `snapshots of ${groupText(key)}`,
    ...table(
      'keep',
      decisions.filter(({ keep }) => keep),
    ),
    ...table(
      dryRun ? 'would forget' : 'forgot',
      decisions.filter(({ keep }) => !keep),
    ),
  ].join('\n');
}
