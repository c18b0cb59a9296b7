import { chunkChecksumsName } from '../../backup/chunkChecksums.ts';
import { filesDirectoryName } from '../../backup/filesRecord.ts';
import { kindOf, recordFileName, sourceOf } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { findDirectory } from '../../snapshot/findPath.ts';
import { treeLoader } from '../../snapshot/repositorySource.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';

/** What of two snapshots is compared. */
export interface DiffScope {
  readonly before: string;
  readonly after: string;
  /** Whether a path below those trees belongs to what was backed up: our own records do not. */
  readonly isContent: (path: string) => boolean;
}

const ownFiles = new Set([recordFileName, chunkChecksumsName]);

/** Of two snapshots of one kind what is in the directories of their sources; of any others all. */
export async function diffScope(
  ctx: Context,
  repository: Repository,
  [before, after]: readonly [Snapshot, Snapshot],
): Promise<DiffScope> {
  const kind = kindOf(before);
  if (kind === undefined || kind !== kindOf(after)) {
    return { before: before.tree, after: after.tree, isContent: () => true };
  }
  const treeOf = (snapshot: Snapshot): Promise<string> => {
    const path = kind === 'files' ? `${sourceOf(snapshot)}/${filesDirectoryName}` : sourceOf(snapshot);
    return findDirectory(ctx, treeLoader(repository), snapshot.tree, path);
  };
  const isContent = (path: string): boolean => kind === 'files' || !ownFiles.has(path);
  return { before: await treeOf(before), after: await treeOf(after), isContent };
}
