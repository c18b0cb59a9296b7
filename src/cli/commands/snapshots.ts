import { groupSnapshots, parseGroupBy } from '../../snapshot/snapshotGroups.ts';
import { newestFirst, type Snapshot } from '../../snapshot/snapshots.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { plural } from '../format.ts';
import { openRepository } from '../openRepository.ts';
import { chooseSnapshots } from '../snapshotChoice.ts';
import {
  describeSnapshots,
  snapshotColumns,
  snapshotFields,
  type DescribedSnapshot,
} from '../snapshots/describeSnapshot.ts';
import { groupText } from '../snapshots/groupText.ts';
import { printRecoveryWindows } from '../snapshots/recoveryWindows.ts';
import type { snapshotsSpec } from '../specs/snapshots.ts';
import { formatTable, usedColumns } from '../table.ts';

type SnapshotsInvocation = Invocation<typeof snapshotsSpec>;

export const run: CommandRun<typeof snapshotsSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: names } = invocation;
  const groupBy = options.groupBy === undefined ? undefined : parseGroupBy(options.groupBy);
  const repository = await openRepository(ctx, invocation);
  const chosen = await chooseSnapshots(ctx, repository, { names, flags: options });
  const listed = newestOf(chosen, options.latest).toReversed();
  const warn = (message: string): void => printer.warn(message);
  const described = await describeSnapshots(ctx, repository, { snapshots: listed, warn });
  const byId = new Map(described.map((one) => [one.snapshot.id, one]));
  for (const [index, { key, snapshots }] of groupSnapshots(listed, groupBy ?? []).entries()) {
    if (groupBy !== undefined) printer.remark(`${index > 0 ? '\n' : ''}snapshots of ${groupText(key)}:`);
    const members = snapshots.flatMap(({ id }) => byId.get(id) ?? []);
    printSnapshots(invocation, members);
  }
  printer.remark(plural(listed.length, 'snapshot'));
  if (isWhole(invocation)) await printRecoveryWindows(ctx, repository, { described, printer });
};

function printSnapshots({ printer, terminal }: SnapshotsInvocation, described: readonly DescribedSnapshot[]): void {
  if (printer.json) for (const one of described) printer.result('snapshot', snapshotFields(one), () => '');
  else printer.result('snapshots', {}, () => formatTable(terminal, usedColumns(snapshotColumns, described), described));
}

/** A window is told from all backups of a source, so not from a choice of them. */
function isWhole({ options, arguments: names }: SnapshotsInvocation): boolean {
  const { latest, tag, host, path } = options;
  return names.length === 0 && latest === undefined && [...tag, ...host, ...path].length === 0;
}

/** The newest `count` of each host with the same paths, as `--latest` of restic counts them. */
function newestOf(snapshots: readonly Snapshot[], count: number | undefined): readonly Snapshot[] {
  if (count === undefined) return snapshots;
  const groups = groupSnapshots(snapshots, ['host', 'paths']);
  return groups.flatMap((group) => group.snapshots.slice(0, count)).toSorted(newestFirst);
}
