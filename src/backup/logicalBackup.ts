import type { Context } from '../base/context.ts';
import type { Progress } from '../base/progress.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import type { LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import type { Compression, ReadBack, UploadTotals } from '../repository/upload.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import type { DumpFilters, DumpRecord } from './dumpRecord.ts';
import { dumpCluster } from './logical/dumpCluster.ts';

export interface LogicalBackupOptions {
  /** Name of the source; snapshots of one source follow each other. */
  readonly source: string;
  /** Any database of the server; the others are reached with the same login. */
  readonly connection: ConnectionOptions;
  /** `parts`: an archive for each table; `single`: one for each database. */
  readonly layout: 'parts' | 'single';
  readonly globals: 'with-passwords' | 'without-passwords' | 'none';
  readonly filters: DumpFilters;
  /** How many pg_dump run at once. */
  readonly jobs: number;
  /** Tables up to this size get a content hash, larger ones are only counted. Undefined: all. */
  readonly contentHashLimitBytes: number | undefined;
  /** Directories with PostgreSQL programs that come before the usual places. */
  readonly programDirectories?: readonly string[];
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly compression?: Compression;
  readonly readBack?: ReadBack;
  readonly packSizeBytes?: number;
  readonly threads?: number;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

export interface LogicalBackupResult {
  readonly snapshot: Snapshot;
  readonly record: DumpRecord;
  readonly totals: UploadTotals;
}

/**
 * Dumps the databases of a server, PostgreSQL 13 to 18, into one snapshot: the archives of pg_dump under one exported
 * snapshot for each database, and the record with what was counted in it. Nothing is staged on a disk, and a dump that
 * fails or is stopped leaves no snapshot. Throws `program-missing` for a pg_dump older than the server, `not-found` for
 * a filter that matches nothing, `program-failed` with the words of pg_dump, `backup-aborted` when it
 * gave way to a change of a table, and what connecting throws.
 */
export function backupLogical(
  ctx: Context,
  repository: Repository | Promise<Repository>,
  options: LogicalBackupOptions,
): Promise<LogicalBackupResult> {
  return dumpCluster(ctx, Promise.resolve(repository), options);
}
