import { chownSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { controlFilePath } from '../../postgres/controlFile.ts';
import { autoConfPath } from '../../postgres/recoverySettings.ts';
import type { OsUser } from '../../postgres/runProgram.ts';
import type { Repository } from '../../repository/repository.ts';
import { dataDirectoryPath, type BaseBackup } from '../../restore/baseBackup.ts';
import { applyRestore, type RestoreResult } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';

export interface MaterialiseOptions {
  readonly backup: BaseBackup;
  /** The sandbox; `data` and `tablespaces` are made in it. */
  readonly directory: string;
  readonly user: OsUser | undefined;
  readonly threads?: number | undefined;
  readonly progress: Progress;
}

/** Room for WAL that is replayed, and for what replay writes. */
const spareBytes = 512 * 1024 * 1024;

/**
 * Restores the data directory of a backup into the sandbox, tablespaces beside it: no link in it leads outside. Throws
 * `destination-full` before anything is written when there is no room, and what a restore throws.
 */
export async function materialise(
  ctx: Context,
  repository: Repository,
  options: MaterialiseOptions,
): Promise<RestoreResult> {
  const { backup, directory, user } = options;
  requireSpace(directory, backup);
  const plan = await planRestore(ctx, repository, {
    treeId: backup.snapshot.tree,
    subPath: dataDirectoryPath(backup.record.source),
    destination: join(directory, 'data'),
    existing: 'refuse',
    redirect: (path) => {
      const oid = /^pg_tblspc\/(\d+)$/.exec(path)?.[1];
      return oid === undefined ? undefined : join(directory, 'tablespaces', oid);
    },
  });
  mkdirSync(join(directory, 'tablespaces'), { mode: 0o755 });
  return applyRestore(ctx, repository, plan, {
    progress: options.progress,
    last: (path) => path === controlFilePath,
    owner: user ?? 'keep',
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
}

/**
 * Makes of a restored directory one that recovers from an archive. Settings of the original (which may tell how to
 * reach other machines, and with which password) are not needed and do not stay.
 */
export function prepareRecovery(dataDirectory: string, user: OsUser | undefined): void {
  rmSync(join(dataDirectory, 'standby.signal'), { force: true });
  for (const name of [autoConfPath, 'recovery.signal']) {
    const path = join(dataDirectory, name);
    writeFileSync(path, '', { mode: 0o600 });
    if (user !== undefined) chownSync(path, user.uid, user.gid);
  }
}

function requireSpace(directory: string, { record }: BaseBackup): void {
  const { bavail, bsize } = statfsSync(directory, { bigint: true });
  const neededBytes = BigInt(record.sizeBytes) + BigInt(record.wal.length * record.walSegmentBytes + spareBytes);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new OperationError(
    'destination-full',
    `the backup needs ${formatBytes(neededBytes)} to be restored, and ${directory} has ${formatBytes(freeBytes)} free`,
    {
      hint: 'name a directory with more room: --scratch, or verify.directory in the configuration',
      detail: { neededBytes: String(neededBytes), freeBytes: String(freeBytes) },
    },
  );
}
