import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';
import { OperationError, assert, isOperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { backupLabelPath } from '../postgres/backupLabel.ts';
import { controlFilePath } from '../postgres/controlFile.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { assertReachable } from '../postgres/runtimeUser.ts';
import type { OsUser } from '../postgres/runProgram.ts';
import { saveKeyCache } from '../repository/keyCache.ts';
import type { Repository } from '../repository/repository.ts';
import { applyRestore, type RestoreResult } from '../restorer/applyRestore.ts';
import { onDestination } from '../restorer/destinationErrors.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { renewLease, type LeaseClaim } from '../wal/walLease.ts';
import { checkDestination, exists, incompleteMarker } from './destination.ts';
import type { RecoveryPlan } from './planRecovery.ts';
import { loadRecoveryFiles, writeControlFile, writeRecoveryFiles } from './recoveryFiles.ts';
import { quickPages } from './quickPages.ts';
import { checkTablespaces } from './tablespaces.ts';
import { linkedWalDirectory } from './walDirectory.ts';

export interface ApplyRecoveryOptions {
  /** For the shell of the server's user, with %f and %p. Without, the WAL in the backup is all there is. */
  readonly restoreCommand?: string | undefined;
  /**
   * Leave the repository's key in the spool directory, where the restore command finds it, until recovery has ended.
   */
  readonly storeKey?: boolean;
  /** Who everything shall belong to; undefined: to us. */
  readonly owner?: OsUser | undefined;
  readonly threads?: number | undefined;
  readonly progress?: Progress;
}

export interface RecoveryRestored extends RestoreResult {
  /** On the WAL that the server will ask for; undefined when it asks for none, or the lease could not be written. */
  readonly lease: LeaseClaim | undefined;
  /** Why there is no lease though one was needed: a prune may remove WAL that recovery needs. */
  readonly leaseFailure: OperationError | undefined;
}

const privateMode = 0o700;

/**
 * Executes a plan. When it resolves, the data directory is complete and durable, and a server that is started on it
 * recovers to the target. Until then no server starts on it: pg_control, without which none does, comes last, and
 * `understudy-restore-incomplete` tells that it is not finished; the same restore with `delta` goes on from there.
 *
 * Throws what planning throws about the destination, `repository-damaged`, `destination-full`, `destination-io`.
 */
export async function applyRecovery(
  ctx: Context,
  repository: Repository,
  plan: RecoveryPlan,
  options: ApplyRecoveryOptions = {},
): Promise<RecoveryRestored> {
  assert(plan.wal.from === 'backup' || options.restoreCommand !== undefined, 'archived WAL needs a restore command');
  const { destination, existing, backup } = plan;
  const { owner, progress = silentProgress, threads } = options;
  await checkDestination(destination.path, { existing, systemIdentifier: backup.systemIdentifier });
  checkTablespaces(backup.record, plan.tablespaces, { dataDirectory: destination.path, existing });
  linkedWalDirectory(destination.path, existing); // it must not have become a running server's
  if (owner !== undefined) await assertReachable(ctx, existingAncestor(destination.path), owner);
  const files = await loadRecoveryFiles(ctx, repository, backup);
  ctx.signal.throwIfAborted();
  beginRestore(plan, ctx.clock.now());
  const quickEqual = existing === 'delta' ? await quickPages(ctx, repository, backup) : undefined;
  const result = await applyRestore(ctx, repository, withExistingRoot(plan), {
    progress,
    ...(quickEqual === undefined ? {} : { quickEqual }),
    ...(owner === undefined ? {} : { owner: { uid: owner.uid, gid: owner.gid } }),
    ...(threads === undefined ? {} : { threads }),
  });
  assert(exists(join(destination.path, backupLabelPath)), 'a base backup has a backup_label');
  const lease = claimFor(plan, options);
  const leaseFailure = lease === undefined ? undefined : await takeLease(ctx, repository, { plan, lease });
  onDestination('finish', latin1(destination.path), () => {
    const saveKey = options.storeKey === true ? (path: string) => saveKeyCache(path, repository) : undefined;
    writeRecoveryFiles(plan, { ...options, files, saveKey, lease });
    writeControlFile(plan, { owner, content: files.controlFile });
    endRestore(destination.path);
  });
  ctx.log.info({ destination: destination.path, ...result }, 'restored the data directory');
  return { ...result, lease: leaseFailure === undefined ? lease : undefined, leaseFailure };
}

/** The server asks for WAL after we have ended and our lock is gone: from the beginning of the backup on. */
function claimFor(plan: RecoveryPlan, { restoreCommand }: ApplyRecoveryOptions): LeaseClaim | undefined {
  const { backup, destination, wal, standby } = plan;
  if (restoreCommand === undefined || (wal.from === 'backup' && standby === undefined)) return undefined;
  const { timeline, record } = backup;
  return { id: randomUUID(), timeline, startLsn: parseLsn(record.startLsn), destination: destination.path };
}

/** What may not be written to can be restored from all the same. */
async function takeLease(
  ctx: Context,
  repository: Repository,
  { plan, lease }: { readonly plan: RecoveryPlan; readonly lease: LeaseClaim },
): Promise<OperationError | undefined> {
  try {
    await renewLease(ctx, WalArchive.of(repository, plan.backup.systemIdentifier), lease);
    return undefined;
  } catch (error) {
    if (!isOperationError(error) || ctx.signal.aborted) throw error;
    ctx.log.warn({ err: error }, 'cannot write a lease on the WAL of this recovery');
    return error;
  }
}

/** From here on no server starts here, whatever was there before. */
function beginRestore({ destination, backup }: RecoveryPlan, now: Date): void {
  const { path } = destination;
  onDestination('write to', latin1(path), () => {
    mkdirSync(path, { recursive: true, mode: privateMode });
    const marker = { snapshot: backup.snapshot.id, begun: now.toISOString() };
    writeFileAtomic(join(path, incompleteMarker), Buffer.from(`${JSON.stringify(marker)}\n`));
    const controlFile = join(path, controlFilePath);
    if (!exists(controlFile)) return;
    rmSync(controlFile);
    syncDirectory(dirname(controlFile));
  });
}

function endRestore(path: string): void {
  rmSync(join(path, incompleteMarker));
  syncDirectory(path);
}

/** The directory was planned before `beginRestore` made it. */
function withExistingRoot({ files }: RecoveryPlan): RecoveryPlan['files'] {
  const directories = files.directories.map((directory, index) =>
    index === 0 ? { ...directory, exists: true } : directory,
  );
  return { ...files, directories };
}

function existingAncestor(path: string): string {
  const parent = dirname(path);
  return exists(parent) || parent === path ? parent : existingAncestor(parent);
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}
