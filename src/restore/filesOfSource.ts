import { parseFilesRecord, filesDirectoryName } from '../backup/filesRecord.ts';
import { loadRecordFile, sourceOf } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { PlanRestoreOptions } from '../restorer/planRestore.ts';
import type { PathPattern } from '../snapshot/pathPattern.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';

/** Options of a restore that follow from what is wanted of a snapshot. */
export type FilesSelection = Pick<PlanRestoreOptions, 'filter' | 'destinationAttributes'>;

/** The files of a snapshot of kind `files`, without what only led to them and without its record. */
export interface FilesOfSource {
  /** In the snapshot, without slash in front: the directory that all paths of the source have in common. */
  readonly path: string;
  /** The same directory on the machine that it came from. */
  readonly origin: string;
  readonly selection: FilesSelection;
}

/** Throws what reading the record throws. */
export async function filesOfSource(
  ctx: Context,
  repository: Repository,
  { snapshot, patterns = [] }: { readonly snapshot: Snapshot; readonly patterns?: readonly PathPattern[] },
): Promise<FilesOfSource> {
  const { base, paths } = parseFilesRecord(await loadRecordFile(ctx, repository, snapshot));
  const isOurs = (names: readonly string[]): boolean => {
    const own = `/${names.join('/')}`;
    return paths.some((each) => each === '/' || own === each || own.startsWith(`${each}/`));
  };
  const selection = selectFiles({ patterns, start: componentsOf(base), isOurs });
  const path = [sourceOf(snapshot), filesDirectoryName, ...componentsOf(base)].join('/');
  return { path, origin: base, selection };
}

export interface Selecting {
  readonly patterns: readonly PathPattern[];
  /** Names of the directories above what is restored. */
  readonly start: readonly string[];
  /** Whether a directory was itself backed up: one that was only on the way is none of ours. */
  readonly isOurs: (names: readonly string[]) => boolean;
}

/** What of a directory is restored: what matches a pattern, or all of it when there is none. */
export function selectFiles({ patterns, start, isOurs }: Selecting): FilesSelection {
  const isAll = patterns.length === 0 || patterns.some((pattern) => pattern.matches(start));
  if (isAll && isOurs(start)) return {};
  return {
    destinationAttributes: 'keep',
    filter: ({ path, node }) => {
      const names = [...start, ...path.toString().split('/')];
      const isMatch = isAll || patterns.some((pattern) => pattern.matches(names));
      if (isMatch && (node.type !== 'dir' || isOurs(names))) return 'restore';
      const mayMatch = isMatch || patterns.some((pattern) => pattern.mayMatchBelow(names));
      return node.type === 'dir' && mayMatch ? 'descend' : 'skip';
    },
  };
}

/** Names of a path, whether or not a slash is in front. */
export function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}
