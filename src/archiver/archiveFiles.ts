import type { BigIntStats } from 'node:fs';
import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';
import type { Upload } from '../repository/upload.ts';
import { ArchiveScan } from './archiveScan.ts';
import { ParentTree, type ParentReference } from './parentTree.ts';
import { fileSystemsOf, planTargets } from './targets.ts';

export interface ArchiveFilesOptions {
  readonly repository: Repository;
  /** Where blobs and trees go; the caller commits it. */
  readonly upload: Upload;
  /** Files and directories to archive; relative ones to the current directory. */
  readonly paths: readonly (string | Buffer)[];
  readonly parent?: ParentReference;
  /** True leaves out a file, or a directory with all that is in it. Not asked about `paths` themselves. */
  readonly exclude?: (path: Buffer, stat: BigIntStats) => boolean;
  /** True for a file that only its owner may read, whatever its mode is: it is archived with mode 0600 and no ACL. */
  readonly isPrivate?: (path: Buffer, stat: BigIntStats) => boolean;
  /** Stay on the file systems of `paths`; a mount point of another one is archived as an empty directory. */
  readonly oneFileSystem?: boolean;
  readonly progress?: Progress;
}

/** Something that could not be read, and why: a system error code. */
export interface UnreadablePath {
  readonly path: Buffer;
  readonly systemError: string;
}

export interface ArchiveCounts {
  filesNew: number;
  filesChanged: number;
  filesUnmodified: number;
  dirsNew: number;
  dirsChanged: number;
  dirsUnmodified: number;
  /** Of all files in the snapshot. */
  totalBytes: number;
}

export interface ArchivedFiles {
  /** Root tree; it contains the components of the paths. */
  readonly treeId: string;
  readonly counts: Readonly<ArchiveCounts>;
  /** `complete`, or `incomplete` when something could not be read: the snapshot is good but lacks it. */
  readonly outcome: 'complete' | 'incomplete';
  readonly unreadable: readonly UnreadablePath[];
  /** Files that were written to each time they were read; their content may be of no single moment. */
  readonly changed: readonly Buffer[];
  /** Files that were there when their directory was listed and gone when they were to be read. */
  readonly vanished: readonly Buffer[];
}

/**
 * Archives ordinary files as stock restic does: the same chunks, and for the same input the same trees (times in UTC).
 * Unreadable files are left out and reported. Sockets are left out. Throws `file-missing` for one of `paths` that does
 * not exist. Nothing is durable until the upload is committed.
 */
export async function archiveFiles(ctx: Context, options: ArchiveFilesOptions): Promise<ArchivedFiles> {
  const { repository, upload, oneFileSystem = false, progress = silentProgress } = options;
  const targets = planTargets(options.paths);
  const scan = new ArchiveScan(ctx, {
    upload,
    progress,
    fileSystems: oneFileSystem ? fileSystemsOf(options.paths) : undefined,
    parent: options.parent === undefined ? undefined : new ParentTree(repository, options.parent),
    exclude: options.exclude ?? (() => false),
    isPrivate: options.isPrivate ?? (() => false),
  });
  progress.phase('archiving files');
  const treeId = await scan.archive(targets, options.parent?.treeId);
  const { counts, unreadable, changed, vanished } = scan;
  return { treeId, counts, outcome: unreadable.length > 0 ? 'incomplete' : 'complete', unreadable, changed, vanished };
}
