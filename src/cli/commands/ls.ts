import { snapshotSource, treeLoader } from '../../snapshot/repositorySource.ts';
import { findSnapshot, parseSnapshotPath } from '../../snapshot/snapshotSelector.ts';
import { walkTree, type TreeEntry } from '../../snapshot/walkTree.ts';
import type { CommandRun } from '../command.ts';
import { longLine, nodeFields, visible } from '../ls/describeNode.ts';
import { openRepository } from '../openRepository.ts';
import { snapshotFilter } from '../snapshotChoice.ts';
import { findSnapshotPath } from '../snapshotPath.ts';
import type { lsSpec } from '../specs/ls.ts';

export const run: CommandRun<typeof lsSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const selector = parseSnapshotPath(invocation.arguments[0]!);
  const repository = await openRepository(ctx, invocation);
  const filter = snapshotFilter({ ...options, path: [] });
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text: selector.snapshot, filter });
  const start = await findSnapshotPath(ctx, repository, { snapshot, path: selector.path });
  const print = (entry: TreeEntry): void => {
    const text = (): string => (options.long ? longLine(entry) : visible(`/${entry.path.toString()}`));
    printer.result('node', nodeFields(entry), text);
  };
  const { node } = start;
  if (node !== undefined && node.type !== 'dir') return print({ path: Buffer.from(start.path), node });
  const prefix = start.path === '' ? '' : `${start.path}/`;
  await walkTree(ctx, treeLoader(repository), node?.subtree ?? snapshot.tree, {
    visit: (entry) => {
      print({ ...entry, path: Buffer.concat([Buffer.from(prefix), entry.path]) });
      return options.recursive ? undefined : 'skip';
    },
  });
};
