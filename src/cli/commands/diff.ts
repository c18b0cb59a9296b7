import { diffTrees, type TreeDifference } from '../../snapshot/diff.ts';
import { compilePathPattern } from '../../snapshot/pathPattern.ts';
import { snapshotSource, treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import { formatUtc } from '../../snapshot/time.ts';
import type { CommandRun } from '../command.ts';
import { differenceFields, differenceText } from '../diff/describeDifference.ts';
import { diffScope } from '../diff/scope.ts';
import { DiffTally } from '../diff/tally.ts';
import { openRepository } from '../openRepository.ts';
import { snapshotFilter } from '../snapshotChoice.ts';
import type { diffSpec } from '../specs/diff.ts';

export const run: CommandRun<typeof diffSpec> = async (ctx, invocation) => {
  const { options, printer, terminal } = invocation;
  const patterns = options.path.map((pattern) => compilePathPattern(pattern));
  const repository = await openRepository(ctx, invocation);
  const filter = snapshotFilter({ ...options, path: [] });
  const find = (text: string) => findSnapshot(ctx, snapshotSource(repository), { text, filter });
  const before = await find(invocation.arguments[0]!);
  const after = await find(invocation.arguments[1]!);
  printer.remark(`${nameOf(before)} -> ${nameOf(after)}`);
  const scope = await diffScope(ctx, repository, [before, after]);
  const isAsked = (path: string): boolean =>
    scope.isContent(path) && (patterns.length === 0 || patterns.some((pattern) => pattern.matches(path.split('/'))));
  const tally = new DiffTally();
  await diffTrees(ctx, treeLoader(repository), {
    ...scope,
    onDifference: (difference) => {
      if (!isAsked(difference.path.toString()) || isOnlyTimeOfDirectory(difference)) return;
      tally.add(difference);
      printer.result('change', differenceFields(difference), () => differenceText(terminal, difference));
    },
    mayDescend: (path) =>
      patterns.length === 0 || patterns.some((pattern) => pattern.mayMatchBelow(path.toString().split('/'))),
  });
  const fields = { before: before.id, after: after.id, ...tally.fields() };
  printer.result('summary', fields, () => tally.text());
};

function nameOf({ id, time, paths }: Snapshot): string {
  return `${paths.join(' ')} ${id.slice(0, 8)} of ${formatUtc(time.ns).slice(0, 19).replace('T', ' ')}`;
}

/** It follows from what changed in the directory, which is told. */
function isOnlyTimeOfDirectory({ after, aspects }: TreeDifference): boolean {
  return after?.type === 'dir' && aspects.length === 1 && aspects[0] === 'time';
}
