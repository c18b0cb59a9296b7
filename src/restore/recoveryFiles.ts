import { chmodSync, lchownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { emptyDirectories } from '../postgres/backupExclusions.ts';
import { controlFilePath } from '../postgres/controlFile.ts';
import { autoConfPath, withRecoverySettings, type RecoverySettings } from '../postgres/recoverySettings.ts';
import type { OsUser } from '../postgres/runProgram.ts';
import { majorOfServerVersion } from '../postgres/version.ts';
import type { Repository } from '../repository/repository.ts';
import { loadSnapshotFile } from '../snapshot/fileContent.ts';
import { serializeClaim, type LeaseClaim } from '../wal/walLease.ts';
import { leaseFilePath } from '../wal/walLeaseFile.ts';
import { dataDirectoryPath, type BaseBackup } from './baseBackup.ts';
import { exists } from './destination.ts';
import type { RecoveryPlan } from './planRecovery.ts';

/** Files of the backup that are put in place by hand. */
export interface RecoveryFiles {
  readonly autoConf: string;
  readonly controlFile: Buffer;
}

export interface RecoveryFileOptions {
  readonly files: RecoveryFiles;
  readonly restoreCommand?: string | undefined;
  readonly owner?: OsUser | undefined;
  /** Left where the restore command finds it, to renew it. */
  readonly lease?: LeaseClaim | undefined;
  /** Writes the key of the repository to a path, for a restore command that has no other way to open it. */
  readonly saveKey?: ((path: string) => void) | undefined;
}

/**
 * Where a restore command may keep what it fetched ahead: on the file system of pg_wal, and in a directory whose
 * content no base backup takes. Relative to the data directory, in which PostgreSQL runs its commands. Gone after
 * recovery.
 */
export const spoolPath = 'pg_wal/understudy-restore';
/** File of the repository's key in it. */
export const spoolKeyPath = `${spoolPath}/key`;

/** PostgreSQL refuses a data directory that others may enter; the group may read where the source allowed it. */
const groupMode = 0o750;
const privateMode = 0o700;
/** Proves absence to a server that has to make do with the WAL in its backup. */
const nothingArchived = 'false';

/** Loads what `writeRecoveryFiles` and `writeControlFile` need, before anything is written. */
export async function loadRecoveryFiles(
  ctx: Context,
  repository: Repository,
  { snapshot, record }: BaseBackup,
): Promise<RecoveryFiles> {
  const load = (path: string): Promise<Buffer> =>
    loadSnapshotFile(ctx, repository, { treeId: snapshot.tree, path: `${dataDirectoryPath(record.source)}/${path}` });
  const autoConf = load(autoConfPath).catch((error: unknown) => {
    // a server that never ran ALTER SYSTEM may lack it
    if (isOperationError(error, 'not-found')) return Buffer.alloc(0);
    throw error;
  });
  return { autoConf: (await autoConf).toString('utf8'), controlFile: await load(controlFilePath) };
}

/**
 * Puts in place what makes a server recover: settings, signal file, the directories that are empty in every backup, and
 * notes that the WAL of the backup need not be archived again. All durable.
 */
export function writeRecoveryFiles(plan: RecoveryPlan, options: RecoveryFileOptions): void {
  const { path } = plan.destination;
  const { owner, files } = options;
  const record = plan.backup.record;
  const mode = (statSync(path).mode & 0o050) === 0o050 ? groupMode : privateMode;
  chmodSync(path, mode);
  give(path, owner);
  const made = { owner, mode: mode & 0o666 };
  for (const directory of emptyDirectories(majorOfServerVersion(record.serverVersion))) {
    const place = join(path, directory);
    if (!exists(place)) mkdirSync(place, { mode });
    give(place, owner);
  }
  if (options.restoreCommand !== undefined) makeSpool(path, options);
  for (const name of record.wal) writeFile(join(path, `pg_wal/archive_status/${name}.done`), '', made);
  writeFile(join(path, autoConfPath), withRecoverySettings(files.autoConf, recoverySettings(plan, options)), made);
  writeFile(join(path, plan.standby === undefined ? 'recovery.signal' : 'standby.signal'), '', made);
  for (const directory of ['pg_wal/archive_status', 'pg_wal', '']) syncDirectory(join(path, directory));
}

/** Puts pg_control in place: the last file, without which no server starts. */
export function writeControlFile(
  plan: RecoveryPlan,
  { owner, content }: { readonly owner: OsUser | undefined; readonly content: Buffer },
): void {
  const { path } = plan.destination;
  const mode = statSync(path).mode & 0o640;
  writeFile(join(path, controlFilePath), content, { owner, mode });
  syncDirectory(join(path, 'global'));
}

function makeSpool(path: string, { owner, saveKey, lease }: RecoveryFileOptions): void {
  const spool = join(path, spoolPath);
  if (!exists(spool)) mkdirSync(spool, { mode: privateMode });
  if (saveKey !== undefined) {
    saveKey(join(path, spoolKeyPath));
    give(join(path, spoolKeyPath), owner);
  }
  if (lease !== undefined) {
    writeFile(leaseFilePath(spool), serializeClaim(lease), { owner, mode: 0o600 });
  }
  give(spool, owner);
}

function recoverySettings(plan: RecoveryPlan, options: RecoveryFileOptions): RecoverySettings {
  const { request, timeline, standby, wal } = plan;
  const command = wal.from === 'archive' || standby !== undefined ? options.restoreCommand : undefined;
  return {
    restoreCommand: command ?? nothingArchived,
    ...(command === undefined ? {} : { recoveryEndCommand: `rm -rf ${spoolPath}` }),
    target: wal.from === 'backup' && request.target.kind !== 'immediate' ? { kind: 'immediate' } : request.target,
    // pinned: what is newest may be another history by the time that the server looks
    timeline: standby !== undefined && request.timeline === 'latest' ? 'latest' : timeline,
    inclusive: request.inclusive,
    action: request.action,
    ...(standby === undefined ? {} : { standby }),
  };
}

function writeFile(
  path: string,
  content: string | Buffer,
  { owner, mode }: { owner: OsUser | undefined; mode: number },
): void {
  writeFileAtomic(path, typeof content === 'string' ? Buffer.from(content) : content, { mode, syncDirectory: false });
  give(path, owner);
}

function give(path: string, owner: OsUser | undefined): void {
  if (owner !== undefined) lchownSync(path, owner.uid, owner.gid);
}
