import { userInfo } from 'node:os';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { sourceIdentity } from '../snapshot/snapshotGroups.ts';
import { loadSnapshots } from '../snapshot/snapshots.ts';
import { loadHolds, saveHoldEvent } from './holdStore.ts';

export interface Acknowledgement {
  readonly source: string;
  /** What retention was held for; undefined when it was not. */
  readonly reason: string | undefined;
}

/**
 * Lets retention of a source go on: somebody has looked at its newest backup, which counts as usual from now on.
 * Also before a change is found, as before a large clean-up. Throws `not-found` for a source without backups.
 */
export async function acknowledgeChange(
  ctx: Context,
  repository: Repository,
  { source, ...wait }: LockWait & { readonly source: string },
): Promise<Acknowledgement> {
  return withLock(ctx, repository, {
    ...wait,
    exclusive: false,
    run: async (locked) => {
      const snapshots = await loadSnapshots(locked, snapshotSource(repository));
      const newest = snapshots.find((snapshot) => sourceIdentity(snapshot)?.source === source);
      if (newest === undefined) {
        throw new OperationError('not-found', `there is no backup of a source "${source}"`, {
          hint: '`understudy snapshots` lists the sources',
        });
      }
      const last = (await loadHolds(locked, repository)).get(source);
      const after = last === undefined ? 0 : Date.parse(last.time) + 1;
      const time = new Date(Math.max(locked.clock.now().getTime(), after)).toISOString();
      const by = userInfo().username;
      const event = 'acknowledged' as const;
      await saveHoldEvent(locked, repository, { format: 1, event, source, snapshot: newest.id, time, by });
      return { source, reason: last?.event === 'held' ? last.reason : undefined };
    },
  });
}
