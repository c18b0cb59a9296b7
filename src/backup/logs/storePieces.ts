import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Upload } from '../../repository/upload.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import { parseTree } from '../../snapshot/tree.ts';
import { archiveDirectory } from '../archivedNode.ts';
import type { LogDirectory } from './logDirectory.ts';
import type { Piece } from './pieceName.ts';

/** Stores pieces that nobody writes to. What could not be read, or changed all the same, is left for the next run. */
export async function storePieces(
  ctx: Context,
  to: { readonly repository: Repository; readonly upload: Upload; readonly progress: Progress },
  { directory, pieces }: { readonly directory: LogDirectory; readonly pieces: readonly Piece[] },
): Promise<{ readonly nodes: FileNode[]; readonly problems: OperationError[] }> {
  if (pieces.length === 0) return { nodes: [], problems: [] };
  const names = pieces.map(({ name }) => name);
  const archived = await archiveDirectory(ctx, { ...to, directory: directory.path, names });
  const { subtree } = archived.node;
  const nodes = parseTree(await treeLoader(to.repository)(ctx, subtree), subtree);
  const bad = new Map<string, string>();
  for (const { path, systemError } of archived.unreadable) bad.set(path.toString(), `cannot be read: ${systemError}`);
  for (const path of archived.changed) bad.set(path.toString(), 'was written to while it was read');
  for (const path of archived.vanished) bad.set(path.toString(), 'was removed by somebody else');
  for (const { name, type } of nodes) if (type !== 'file') bad.set(directory.join(name.toString()), 'was replaced');
  const good = nodes.filter((node) => !bad.has(directory.join(node.name.toString())));
  return {
    nodes: good.filter((node) => node.type === 'file'),
    problems: [...bad].map(
      ([path, why]) => new OperationError('source-changed', `${path} ${why}`, { detail: { path } }),
    ),
  };
}
