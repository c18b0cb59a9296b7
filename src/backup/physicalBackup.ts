import type { Context } from '../base/context.ts';
import type { Progress } from '../base/progress.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import type { LockOptions } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import type { Compression, ReadBack, UploadTotals } from '../repository/upload.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { backupFromFiles } from './physical/backupFromFiles.ts';
import { backupFromStream } from './physical/backupFromStream.ts';
import type { PhysicalRecord } from './physicalRecord.ts';

export interface PhysicalBackupOptions {
  /** Name of the source; snapshots of one source follow each other. */
  readonly source: string;
  readonly connection: ConnectionOptions;
  /** `files` reads `dataDirectory` on this host; `stream` asks the server for everything. */
  readonly method: 'files' | 'stream';
  /** Needed by `files`; default what the server says. */
  readonly dataDirectory?: string;
  /** `auto` reads everything again when the last full reading is older than `rehashAfterDays`. */
  readonly rehash?: 'auto' | 'always' | 'never';
  readonly rehashAfterDays?: number;
  /** False spreads the checkpoint over time; default true. */
  readonly fastCheckpoint?: boolean;
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly compression?: Compression;
  readonly readBack?: ReadBack;
  readonly packSizeBytes?: number;
  readonly threads?: number;
  /** Chunk size of all files: a power of two from 64 KiB; default the parent's, or by the size of the cluster. */
  readonly chunkBytes?: number;
  readonly lock?: Omit<LockOptions, 'exclusive'>;
  readonly progress: Progress;
}

export interface PhysicalBackupResult {
  readonly snapshot: Snapshot;
  readonly record: PhysicalRecord;
  readonly totals: UploadTotals;
}

/**
 * Backs up a running cluster, primary or standby, PostgreSQL 13 to 18, into one snapshot that stock restic restores to
 * a directory on which PostgreSQL starts. Both methods make the same snapshot (docs/design/repository.md). A repository
 * that is still being opened is waited for while the server begins the backup.
 */
export function backupPhysical(
  ctx: Context,
  repository: Repository | Promise<Repository>,
  options: PhysicalBackupOptions,
): Promise<PhysicalBackupResult> {
  const backup = options.method === 'files' ? backupFromFiles : backupFromStream;
  return backup(ctx, Promise.resolve(repository), options);
}
