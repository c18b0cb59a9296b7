import { groupSnapshots, parseGroupBy } from '../../snapshot/snapshotGroups.ts';
import { newestFirst, type Snapshot } from '../../snapshot/snapshots.ts';
import type { CommandRun } from '../command.ts';
import { plural } from '../format.ts';
import { openRepository } from '../openRepository.ts';
import { chooseSnapshots } from '../snapshotChoice.ts';
import { describeSnapshots, snapshotColumns, snapshotFields } from '../snapshots/describeSnapshot.ts';
import { groupText } from '../snapshots/groupText.ts';
import type { snapshotsSpec } from '../specs/snapshots.ts';
import { formatTable, usedColumns } from '../table.ts';

export const run: CommandRun<typeof snapshotsSpec> = async (ctx, invocation) => {
  const { options, printer, terminal, arguments: names } = invocation;
  const groupBy = options.groupBy === undefined ? undefined : parseGroupBy(options.groupBy);
  const repository = await openRepository(ctx, invocation);
  const chosen = await chooseSnapshots(ctx, repository, { names, flags: options });
  let shown = 0;
  for (const { key, snapshots } of groupSnapshots(newestOf(chosen, options.latest), groupBy ?? [])) {
    const oldestFirst = snapshots.toReversed();
    const warn = (message: string): void => printer.warn(message);
    const described = await describeSnapshots(ctx, repository, { snapshots: oldestFirst, warn });
    if (printer.json) {
      for (const one of described) printer.result('snapshot', snapshotFields(one), () => '');
    } else {
      if (groupBy !== undefined) printer.remark(`${shown > 0 ? '\n' : ''}snapshots of ${groupText(key)}:`);
      printer.result('snapshots', {}, () => formatTable(terminal, usedColumns(snapshotColumns, described), described));
    }
    shown += snapshots.length;
  }
  printer.remark(plural(shown, 'snapshot'));
};

/** The newest `count` of each host with the same paths, as `--latest` of restic counts them. */
function newestOf(snapshots: readonly Snapshot[], count: number | undefined): readonly Snapshot[] {
  if (count === undefined) return snapshots;
  const groups = groupSnapshots(snapshots, ['host', 'paths']);
  return groups.flatMap((group) => group.snapshots.slice(0, count)).toSorted(newestFirst);
}
