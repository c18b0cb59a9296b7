import { backupPhysical } from '../../backup/physicalBackup.ts';
import type { Context } from '../../base/context.ts';
import type { LockWait } from '../../repository/lock.ts';
import type { Repository } from '../../repository/repository.ts';
import type { UploadOptions } from '../../repository/upload.ts';
import type { Invocation } from '../command.ts';
import type { Compression as ConfiguredCompression } from '../../config/repositoryDefaults.ts';
import type { PostgresSource } from '../postgresSource.ts';
import type { backupSpec } from '../specs/backup.ts';
import { chooseMethod, type ChosenMethod } from './chooseMethod.ts';
import type { FinishedBackup } from './describeBackup.ts';

export interface BackupSettings {
  readonly options: Invocation<typeof backupSpec>['options'];
  readonly upload: Pick<UploadOptions, 'packSizeBytes'> & { readonly compression: ConfiguredCompression };
  readonly lock: LockWait;
}

/** Backs up one source as flags and configuration say. */
export async function backupSource(
  ctx: Context,
  to: { readonly repository: Promise<Repository>; readonly progress: Invocation['printer']['progress'] },
  { source, settings }: { readonly source: PostgresSource; readonly settings: BackupSettings },
): Promise<FinishedBackup> {
  const { options, lock } = settings;
  const { name, config, connection } = source;
  const dataDirectory = options.dataDirectory ?? config.dataDirectory;
  const asked = options.method ?? config.method;
  const begunMs = ctx.clock.monotonicMs();
  const chosen: ChosenMethod =
    asked === 'auto' ? await chooseMethod(ctx, connection, dataDirectory) : { method: asked, reason: undefined };
  const result = await backupPhysical(ctx, to.repository, {
    source: name,
    connection,
    method: chosen.method,
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
    rehash: options.rehash ? 'always' : 'auto',
    tags: options.tag,
    ...uploadOptions(settings),
    ...(options.chunkSize === undefined ? {} : { chunkBytes: options.chunkSize }),
    lock,
    progress: to.progress,
  });
  return { result, durationMs: ctx.clock.monotonicMs() - begunMs, methodReason: chosen.reason };
}

/** How to store: `auto` leaves the compression to us, what costs least time for its saving. */
export function uploadOptions({
  options,
  upload,
}: BackupSettings): Pick<UploadOptions, 'compression' | 'packSizeBytes'> {
  const compression = options.compression ?? upload.compression;
  return { ...upload, compression: compression === 'auto' ? 'default' : compression };
}
