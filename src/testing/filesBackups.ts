import { backupFiles, type FilesBackupOptions, type FilesBackupResult } from '../backup/filesBackup.ts';
import { createContext, type Context } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';

const plain = {
  source: 'app',
  optionalPaths: [],
  exclude: [],
  excludeFiles: [],
  excludeCaches: true,
  oneFileSystem: false,
  secrets: [],
  threads: 0,
  progress: silentProgress,
} as const;

/** Backs up files as a source, `app` unless told. */
export function backUpFiles(
  repository: Repository,
  options: Partial<FilesBackupOptions> & Pick<FilesBackupOptions, 'paths'>,
  ctx: Context = createContext(),
): Promise<FilesBackupResult> {
  return backupFiles(ctx, repository, { ...plain, ...options });
}
