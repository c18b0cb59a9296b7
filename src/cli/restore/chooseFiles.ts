import { parseFilesRecord, filesDirectoryName } from '../../backup/filesRecord.ts';
import { kindOf, loadRecordFile, sourceOf } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { PlanRestoreOptions } from '../../restorer/planRestore.ts';
import { compilePathPattern, type PathPattern } from '../../snapshot/pathPattern.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { findSnapshotPath } from '../snapshotPath.ts';

/** Which part of a snapshot is restored. */
export interface ChosenFiles {
  /** In the snapshot, without slash in front; empty for all of it. */
  readonly path: string;
  /** Where it came from; undefined when the snapshot does not say. */
  readonly origin: string | undefined;
  /** Options of the restore that follow from it. */
  readonly selection: Pick<PlanRestoreOptions, 'filter' | 'destinationAttributes'>;
}

/** Decides what `snapshot:path` and `--path` mean. Throws `not-found`. */
export async function chooseFiles(
  ctx: Context,
  repository: Repository,
  {
    snapshot,
    path,
    patterns,
  }: { readonly snapshot: Snapshot; readonly path: string; readonly patterns: readonly string[] },
): Promise<ChosenFiles> {
  const compiled = patterns.map((pattern) => compilePathPattern(pattern));
  if (path !== '' || kindOf(snapshot) !== 'files') {
    const found = await findSnapshotPath(ctx, repository, { snapshot, path });
    return { path: found.path, origin: undefined, selection: selectionOf(compiled, componentsOf(found.path)) };
  }
  const { base, paths } = parseFilesRecord(await loadRecordFile(ctx, repository, snapshot));
  const selection = selectionOf(compiled, componentsOf(base));
  // a directory that was not itself backed up is none of ours
  const attributes = paths.includes(base) ? {} : { destinationAttributes: 'keep' as const };
  const start = [sourceOf(snapshot), filesDirectoryName, ...componentsOf(base)].join('/');
  return { path: start, origin: base, selection: { ...attributes, ...selection } };
}

/** `start`: names of the directories above what is restored. */
function selectionOf(patterns: readonly PathPattern[], start: readonly string[]): ChosenFiles['selection'] {
  if (patterns.length === 0) return {};
  if (patterns.some((pattern) => pattern.matches(start))) return {};
  return {
    destinationAttributes: 'keep',
    filter: ({ path, node }) => {
      const names = [...start, ...path.toString().split('/')];
      if (patterns.some((pattern) => pattern.matches(names))) return 'restore';
      return node.type === 'dir' && patterns.some((pattern) => pattern.mayMatchBelow(names)) ? 'descend' : 'skip';
    },
  };
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

/** Where to restore to. Throws `usage`. */
export function chooseDestination(
  { targetDir, inPlace }: { readonly targetDir: string | undefined; readonly inPlace: boolean },
  origin: string | undefined,
): string {
  if (targetDir !== undefined && inPlace) {
    throw new OperationError('usage', '--target-dir and --in-place exclude each other', {
      hint: 'with --in-place the files go to where they came from',
    });
  }
  if (targetDir !== undefined) return targetDir;
  if (!inPlace) {
    throw new OperationError('usage', 'restore files needs --target-dir', {
      hint: 'name the directory to restore to, or say --in-place',
    });
  }
  if (origin !== undefined) return origin;
  throw new OperationError('usage', '--in-place is for whole snapshots of sources of files', {
    hint: 'name a directory with --target-dir',
  });
}
