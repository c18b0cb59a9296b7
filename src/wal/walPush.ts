import { dirname, resolve } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { Repository } from '../repository/repository.ts';
import { exportCredentials } from '../repository/sealedObject.ts';
import { canUsePrivateDirectory } from './background/privateDirectory.ts';
import { askToStore } from './walPushRequest.ts';
import { clusterOfWalFile, readWalFile } from './push/readWalFile.ts';
import { readyFiles } from './push/readyFiles.ts';
import { startArchiver } from './push/startArchiver.ts';
import { WalArchive, type PutOutcome } from './walArchive.ts';
import { claimArchive } from './walClusters.ts';

export interface PushOptions {
  /** A file in the pg_wal of a cluster, as archive_command's `%p`. */
  readonly path: string;
  /** The cluster that this file must be of; it is then admitted to the archive beside others. */
  readonly cluster?: SystemIdentifier | undefined;
}

export interface BackgroundOptions {
  /** Private directory of the archiver: one per cluster and repository, on the host of the cluster. */
  readonly spool: string;
  /** See `ArchiverRequest`. */
  readonly origin: string;
  readonly location: string;
  /** Start an archiver also for a single file: opening the repository was expensive. */
  readonly always: boolean;
  readonly idleMs?: number;
}

const defaultIdleMs = 10 * 60_000;

/**
 * Stores one file of pg_wal, in this process; resolves when it is durable. Throws `wal-invalid`, `wal-conflict`,
 * `cluster-mismatch`, `file-*`, `source-changed`, and the errors of the backend.
 */
export async function pushFile(ctx: Context, repository: Repository, options: PushOptions): Promise<PutOutcome> {
  const path = resolve(options.path);
  const { file, content } = readWalFile(path);
  const archive = WalArchive.of(repository, owner(path, options));
  await claimArchive(ctx, archive, { named: options.cluster !== undefined });
  return archive.put(ctx, file, content);
}

/**
 * As `pushFile`; when more files wait, starts an archiver in the background that stores them all, and lets it store
 * this one too. When that cannot be had the work is done here. `open` opens the repository.
 */
export async function pushFileAndFollowers(
  ctx: Context,
  open: () => Promise<Repository>,
  options: PushOptions & { readonly background: BackgroundOptions },
): Promise<void> {
  const path = resolve(options.path);
  const { background } = options;
  const opening = open();
  if (background.always || readyFiles(dirname(path)).length > 1) {
    if (await pushInBackground(ctx, opening, { ...options, path })) return;
  }
  await pushFile(ctx, await opening, options);
}

async function pushInBackground(
  ctx: Context,
  opening: Promise<Repository>,
  { path, cluster, background }: PushOptions & { readonly background: BackgroundOptions },
): Promise<boolean> {
  const { spool, origin, location } = background;
  if (!canUsePrivateDirectory(ctx, spool)) return false;
  const start = async () => ({
    location,
    credentials: exportCredentials(await opening),
    systemIdentifier: String(owner(path, { path, cluster })),
    named: cluster !== undefined,
    spool,
    origin,
    idleMs: background.idleMs ?? defaultIdleMs,
  });
  return (await startArchiver(spool, start())) && askToStore(spool, { path, origin }, ctx.signal);
}

function owner(path: string, { cluster }: PushOptions): SystemIdentifier {
  if (cluster !== undefined) return cluster;
  try {
    return clusterOfWalFile(path);
  } catch (error) {
    if (!isOperationError(error, 'file-missing')) throw error;
    throw new OperationError('file-missing', `cannot tell which cluster ${path} is of: there is no pg_control`, {
      hint: 'pass %p as PostgreSQL gives it, or name the cluster with --cluster',
      cause: error,
    });
  }
}
