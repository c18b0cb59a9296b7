import { OperationError } from '../../base/errors.ts';
import { forget, type ForgetResult, type ForgetSelection } from '../../retention/forget.ts';
import type { ForgetDecision, ForgetGroup } from '../../snapshot/forgetPlan.ts';
import { parseGroupBy } from '../../snapshot/snapshotGroups.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { slotFields, slotTable } from '../forget/describeSlots.ts';
import { loadFailedProofs } from '../forget/failedProofs.ts';
import { policyOfConfig, policyOfFlags, sourcePoliciesOfConfig, walPolicy } from '../forget/policy.ts';
import { refuseIgnored } from '../forget/refuseIgnored.ts';
import { reportHeld } from '../forget/reportHeld.ts';
import { warnAppendOnly } from '../forget/warnAppendOnly.ts';
import { plural } from '../format.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { repackOptions } from '../prune/describePrune.ts';
import { printPruned } from '../prune/printPruned.ts';
import { snapshotFilter } from '../snapshotChoice.ts';
import { snapshotColumns } from '../snapshots/describeSnapshot.ts';
import { groupText } from '../snapshots/groupText.ts';
import type { forgetSpec } from '../specs/forget.ts';
import { formatTable, usedColumns, type Column } from '../table.ts';

type ForgetInvocation = Invocation<typeof forgetSpec>;

export const run: CommandRun<typeof forgetSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const selection = await selectionOf(invocation);
  const repack = repackOptions(options, await invocation.repositorySettings());
  const wal = walPolicy((await invocation.loadConfig()).config, options.recoveryWindow);
  const repository = await openRepository(ctx, invocation);
  if (options.dryRun) warnAppendOnly(printer, repository);
  const result = await forget(ctx, repository, {
    selection,
    dryRun: options.dryRun,
    failedProofs: (locked, snapshots) => loadFailedProofs(locked, repository, snapshots),
    ...(options.prune ? { prune: { repack, wal } } : {}),
    ...lockWait(invocation),
    progress: printer.progress,
  });
  printer.end(true);
  printResult(invocation, result);
  reportHeld(printer, { held: result.held, wal: result.pruned?.wal ?? [], named: 'named' in selection });
};

async function selectionOf(invocation: ForgetInvocation): Promise<ForgetSelection> {
  const { arguments: named, options } = invocation;
  refuseIgnored(named, options);
  const groupBy = options.groupBy === undefined ? {} : { groupBy: parseGroupBy(options.groupBy) };
  const flags = policyOfFlags(options);
  if (named.length > 0) {
    if (flags === undefined) return { named, force: options.force, ...groupBy };
    throw new OperationError('usage', 'snapshots are named and rules are given', {
      hint: 'give either the ones to forget, or the rules that say which to keep',
    });
  }
  const common = { filter: snapshotFilter(options), allowRemoveAll: options.force, ...groupBy };
  if (flags !== undefined) return { policy: flags, ...common };
  const { config } = await invocation.loadConfig();
  const [policy, sourcePolicies] = [policyOfConfig(config), sourcePoliciesOfConfig(config)];
  if (policy !== undefined || sourcePolicies.size > 0) return { policy, sourcePolicies, ...common };
  throw new OperationError('usage', 'there is no rule that says which snapshots to keep', {
    hint: 'give rules such as --keep-daily 7, or set them under retention in understudy.yaml',
  });
}

function printResult({ options, printer, terminal }: ForgetInvocation, { forgotten, pruned }: ForgetResult): void {
  const { dryRun } = options;
  for (const group of forgotten.groups) {
    if (printer.json) printDecisions(printer, group, dryRun);
    else printer.remark(groupTables(terminal, group, dryRun));
  }
  const { keep, remove } = forgotten;
  const summary = { dry_run: dryRun, kept: keep.length, removed: remove.length };
  printer.result('forget_summary', summary, () => {
    return `${plural(remove.length, 'snapshot')} ${dryRun ? 'would be forgotten' : 'forgotten'}, ${keep.length} kept`;
  });
  if (pruned !== undefined) printPruned(printer, pruned, dryRun);
}

function printDecisions(printer: ForgetInvocation['printer'], group: ForgetGroup, dryRun: boolean): void {
  for (const { snapshot, keep, reasons, flaw } of group.decisions) {
    const fields = {
      snapshot_id: snapshot.id,
      keep,
      reasons,
      ...(flaw === undefined ? {} : { flaw }),
      group: group.key,
    };
    printer.result('forget_decision', fields, () => '');
  }
  for (const rule of dryRun ? group.rules : []) {
    printer.result('forget_slots', { group: group.key, ...slotFields(rule) }, () => '');
  }
}

type Decision = ForgetDecision;

const columns: readonly Column<Decision>[] = [
  ...snapshotColumns.map(({ value, ...column }) => ({
    ...column,
    value: ({ snapshot }: Decision) => {
      const bare = { snapshot, record: undefined, dump: undefined };
      return value(bare);
    },
  })),
  { title: 'Reasons', value: ({ reasons }) => reasons.join(', ') },
  { title: 'Does not count', value: ({ flaw }) => flaw ?? '' },
];

const stockHint =
  'stock restic does not know of this protection: a `restic forget` needs --keep-tag critical --keep-tag understudy:keep';

function groupTables(terminal: ForgetInvocation['terminal'], group: ForgetGroup, dryRun: boolean): string {
  const { key, decisions } = group;
  const table = (verb: string, rows: readonly Decision[]): string[] => {
    if (rows.length === 0) return [];
    return [`${verb} ${plural(rows.length, 'snapshot')}:`, formatTable(terminal, usedColumns(columns, rows), rows), ''];
  };
  const slots = dryRun ? slotTable(terminal, group) : '';
  const isProtected = decisions.some(({ reasons }) => reasons.some((reason) => reason.startsWith('protected by')));
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
    ...(slots === '' ? [] : [slots, '']),
    ...(dryRun && isProtected ? [stockHint, ''] : []),
  ].join('\n');
}
