import { archiveFiles, type ArchivedFiles } from '../archiver/archiveFiles.ts';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { Upload, type UploadOptions, type UploadTotals } from '../repository/upload.ts';
import { findDirectory } from '../snapshot/findPath.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { earlierSnapshots } from './earlierSnapshots.ts';
import { FileRules, type FileRulesOptions } from './files/fileRules.ts';
import { SecretFiles } from './files/secretFiles.ts';
import { refuseContradictions, selectPaths, type Selection } from './files/selection.ts';
import { tell } from './files/told.ts';
import { filesDirectoryName, serializeFilesRecord, type FilesRecord } from './filesRecord.ts';
import { madeDirectory, recordFileName, saveSmallFile, saveSourceSnapshot } from './sourceSnapshot.ts';

export interface FilesBackupOptions extends FileRulesOptions, Omit<UploadOptions, 'expectedChunks'> {
  /** Name of the source; snapshots of one source follow each other. */
  readonly source: string;
  /** Absolute paths of files and directories. One that is missing makes the snapshot incomplete. */
  readonly paths: readonly string[];
  /** More of them, which may be missing. */
  readonly optionalPaths: readonly string[];
  /** Stay on the file systems of the paths. */
  readonly oneFileSystem: boolean;
  /** Patterns (gitignore syntax) of files with secrets: the snapshot holds them with mode 0600. */
  readonly secrets: readonly string[];
  /** Read everything again, also what seems unchanged. */
  readonly rehash?: boolean;
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

export interface FilesBackupResult {
  readonly snapshot: Snapshot;
  readonly record: FilesRecord;
  readonly totals: UploadTotals;
}

/** Below this, starting threads costs more than they save. */
const singleThreadBytes = 48 * 1024 * 1024;

/**
 * Backs up files and directories into one snapshot. What cannot be read, required paths that are missing, and paths
 * that are links to something else make its record `incomplete`; the rest is there. Throws `file-missing` when no path
 * is there, `config-invalid` for one that is named and excluded, or inside another one behind a link.
 */
export function backupFiles(
  ctx: Context,
  repository: Repository,
  options: FilesBackupOptions,
): Promise<FilesBackupResult> {
  const lock = { exclusive: false, ...options.lock };
  return withLock(ctx, repository, { ...lock, run: (locked) => backUp(locked, repository, options) });
}

async function backUp(ctx: Context, repository: Repository, options: FilesBackupOptions): Promise<FilesBackupResult> {
  const startTime = ctx.clock.now();
  const selection = selectPaths(options.paths, options.optionalPaths);
  refuseContradictions(selection, options);
  const rules = new FileRules(
    selection.roots.map((root) => Buffer.from(root)),
    options,
  );
  const secrets = new SecretFiles(selection.roots, options.secrets);
  const { source, hostname } = options;
  const [parent] = await earlierSnapshots(ctx, repository, { kind: 'files', source, hostname });
  const parentTree =
    parent === undefined || options.rehash === true ? undefined : await filesTree(ctx, repository, parent);
  const isSmall = selection.sizeBytes !== undefined && selection.sizeBytes < singleThreadBytes;
  await using upload = await Upload.begin(ctx, repository, { ...options, ...(isSmall ? { threads: 0 } : {}) });
  const archived = await archiveFiles(ctx, {
    repository,
    upload,
    paths: selection.present,
    exclude: (path, stat) => rules.excludes(path, stat),
    isPrivate: (path, stat) => secrets.isSecret(path, stat),
    oneFileSystem: options.oneFileSystem,
    progress: options.progress,
    ...(parent === undefined || parentTree === undefined
      ? {}
      : { parent: { treeId: parentTree, startedNs: parent.time.ns } }),
  });
  const record = composeRecord(options, {
    startTime,
    stopTime: ctx.clock.now(),
    parent: parentTree === undefined ? undefined : parent,
    selection,
    archived,
    excluded: rules.excluded,
    secrets: secrets.record(),
  });
  const attributes = madeDirectory(source, startTime);
  const entries = [
    { ...madeDirectory(filesDirectoryName, startTime), type: 'dir', subtree: archived.treeId } as const,
    await saveSmallFile(upload, attributes, { name: recordFileName, bytes: serializeFilesRecord(record) }),
  ];
  const saved = await saveSourceSnapshot(
    ctx,
    { repository, upload },
    {
      kind: 'files',
      source,
      time: startTime,
      attributes,
      entries,
      excludes: options.exclude,
      options: { ...options, parent },
    },
  );
  return { ...saved, record };
}

/** The tree of the files of a snapshot; undefined when it cannot be had: then everything is read again. */
async function filesTree(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<string | undefined> {
  const path = `${snapshot.paths[0] ?? ''}/${filesDirectoryName}`;
  try {
    return await findDirectory(ctx, treeLoader(repository), snapshot.tree, path);
  } catch (error) {
    if (!isOperationError(error, 'not-found', 'repository-damaged', 'object-missing')) throw error;
    ctx.log.warn({ snapshot: snapshot.id, reason: error.message }, 'the last backup cannot be built upon');
    return undefined;
  }
}

interface Findings {
  readonly startTime: Date;
  readonly stopTime: Date;
  readonly parent: Snapshot | undefined;
  readonly selection: Selection;
  readonly archived: ArchivedFiles;
  readonly excluded: number;
  readonly secrets: FilesRecord['secrets'];
}

function composeRecord(options: FilesBackupOptions, found: Findings): FilesRecord {
  const { selection, archived, parent } = found;
  const { filesNew, filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified } = archived.counts;
  const unreadable = [...selection.unreadable, ...archived.unreadable];
  return {
    format: 1,
    kind: 'files',
    source: options.source,
    parent: parent?.id ?? null,
    startTime: found.startTime.toISOString(),
    stopTime: found.stopTime.toISOString(),
    outcome: unreadable.length + selection.missing.length + selection.links.length > 0 ? 'incomplete' : 'complete',
    base: selection.base,
    paths: [...selection.present],
    missing: [...selection.missing],
    missingOptional: [...selection.missingOptional],
    exclude: [...options.exclude],
    excludeFiles: [...options.excludeFiles],
    excludeCaches: options.excludeCaches,
    oneFileSystem: options.oneFileSystem,
    excluded: found.excluded,
    links: [...selection.links],
    unreadable: tell(unreadable.map(({ path, systemError }) => ({ path: path.toString(), error: systemError }))),
    changed: tell(archived.changed.map(String)),
    vanished: tell(archived.vanished.map(String)),
    secrets: found.secrets,
    files: {
      total: filesNew + filesChanged + filesUnmodified,
      new: filesNew,
      changed: filesChanged,
      unmodified: filesUnmodified,
    },
    directories: dirsNew + dirsChanged + dirsUnmodified,
    sizeBytes: archived.counts.totalBytes,
  };
}
