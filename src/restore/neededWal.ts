import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { toLsn } from '../postgres/lsn.ts';
import { segmentNumberAt } from '../postgres/walSegment.ts';
import { walFileNameText } from '../wal/walObjectName.ts';
import type { Route } from './chooseBackup.ts';
import type { RecoveryRequest } from './recoveryTarget.ts';

/** The WAL behind the backup that recovery will replay. All of it is there. */
export interface NeededWal {
  /** `archive`: fetched by restore_command; `backup`: what lies in the backup is enough. */
  readonly from: 'archive' | 'backup';
  readonly segments: number;
  /** Names of the first and the last file. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** As PostgreSQL reads it, from the end of the backup to the target. */
  readonly walBytes: bigint;
  /** As it lies in the repository. */
  readonly storedBytes: number;
}

export function neededWal(route: Route, { target }: RecoveryRequest): NeededWal {
  const { wal, landing, backup } = route;
  const files = [...filesOf(route)];
  const replayed = landing.lsn - backup.stopLsn;
  return {
    from: wal.isEmpty || target.kind === 'immediate' ? 'backup' : 'archive',
    segments: files.length,
    first: files[0]?.name,
    last: files.at(-1)?.name,
    walBytes: replayed > 0n ? replayed : 0n,
    storedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** Fetches every file of the way and checks it. Throws `wal-gap` naming one that has gone, `repository-damaged`. */
export async function verifyWal(ctx: Context, route: Route, needed: NeededWal, progress: Progress): Promise<void> {
  progress.phase('checking WAL', { items: needed.segments });
  for (const { file, name } of filesOf(route)) {
    ctx.signal.throwIfAborted();
    try {
      await route.wal.archive.get(ctx, file);
    } catch (error) {
      if (!isOperationError(error, 'object-missing')) throw error;
      throw new OperationError('wal-gap', `WAL segment ${name} vanished from the archive`, {
        hint: 'does somebody expire WAL at this moment? plan again',
        detail: { first: name },
        cause: error,
      });
    }
    progress.advance({ items: 1 });
  }
}

function* filesOf(route: Route) {
  const { wal, backup, ancestry, landing } = route;
  const { segmentBytes } = wal.listing;
  if (wal.isEmpty || landing.lsn <= backup.stopLsn) return;
  const last = segmentNumberAt(toLsn(landing.lsn - 1n), segmentBytes);
  for (let number = segmentNumberAt(backup.stopLsn, segmentBytes); number <= last; number++) {
    const found = wal.fileAt(ancestry, number);
    if (found === undefined) return;
    yield { file: found.file, name: walFileNameText(found.file), sizeBytes: wal.sizeOf(found.file) };
  }
}
