import { kindOf, sourceOf } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { componentsOf, filesOfSource, selectFiles, type FilesSelection } from '../../restore/filesOfSource.ts';
import { compilePathPattern } from '../../snapshot/pathPattern.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import { loadSnapshots, type Snapshot } from '../../snapshot/snapshots.ts';
import { findSnapshotPath } from '../snapshotPath.ts';

/** Which part of a snapshot is restored. */
export interface ChosenFiles {
  /** In the snapshot, without slash in front; empty for all of it. */
  readonly path: string;
  /** Where it came from; undefined when the snapshot does not say. */
  readonly origin: string | undefined;
  /** Options of the restore that follow from it. */
  readonly selection: FilesSelection;
}

/**
 * The snapshot that is meant. `latest` without a source is the newest one of files, if those are all of one source.
 * Throws `not-found`, `ambiguous-id`, `usage`.
 */
export async function chooseSnapshot(
  ctx: Context,
  repository: Repository,
  { text, path, source }: { readonly text: string; readonly path: string; readonly source: string | undefined },
): Promise<Snapshot> {
  const snapshots = snapshotSource(repository);
  if (source !== undefined) return findSnapshot(ctx, snapshots, { text, filter: { tags: [[`source:${source}`]] } });
  if (path !== '' || !text.startsWith('latest')) return findSnapshot(ctx, snapshots, { text });
  const ofFiles = (await loadSnapshots(ctx, snapshots)).filter((snapshot) => kindOf(snapshot) === 'files');
  const sources = [...new Set(ofFiles.map(sourceOf))];
  if (sources.length > 1) {
    throw new OperationError('usage', `${text} is of which source? There are ${sources.length} of files`, {
      hint: `say --source: ${sources.toSorted().join(', ')}`,
    });
  }
  return findSnapshot(ctx, snapshots, {
    text,
    ...(sources.length === 1 ? { filter: { tags: [['kind:files']] } } : {}),
  });
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
    const selection = selectFiles({ patterns: compiled, start: componentsOf(found.path), isOurs: () => true });
    return { path: found.path, origin: undefined, selection };
  }
  return filesOfSource(ctx, repository, { snapshot, patterns: compiled });
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
