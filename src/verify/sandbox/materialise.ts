import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import { controlFilePath } from '../../postgres/controlFile.ts';
import { autoConfPath } from '../../postgres/recoverySettings.ts';
import type { OsUser } from '../../postgres/runProgram.ts';
import type { Repository } from '../../repository/repository.ts';
import { dataDirectoryPath, type BaseBackup } from '../../restore/baseBackup.ts';
import { applyRestore, type RestoreResult } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import { requireFreeSpace } from './freeSpace.ts';

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
  requireFreeSpace(directory, neededBytes(backup));
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

function neededBytes({ record }: BaseBackup): bigint {
  return BigInt(record.sizeBytes) + BigInt(record.wal.length * record.walSegmentBytes + spareBytes);
}
