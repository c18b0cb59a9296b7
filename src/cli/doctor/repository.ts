import { openBackend } from '../../backend/openBackend.ts';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { loadKeyCache } from '../../repository/keyCache.ts';
import { listKeys } from '../../repository/keys.ts';
import { withLock } from '../../repository/lock.ts';
import { Repository } from '../../repository/repository.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { loadSnapshots } from '../../snapshot/snapshots.ts';
import type { Invocation } from '../command.ts';
import { plural } from '../format.ts';
import { checkDiskSpace } from './diskSpace.ts';
import { failedFinding, type Finding } from './finding.ts';

type Settings = Pick<Invocation, 'repositorySettings' | 'repositoryPassword'>;

const futureMs = 60_000;

/** Whether the repository is named, opens with the password, can be locked (and so written to), and has room. */
export async function checkRepositoryAccess(ctx: Context, invocation: Settings): Promise<Finding[]> {
  try {
    const { location, password, keyCacheFile } = await invocation.repositorySettings();
    if (password.kind === 'none' && !process.stdin.isTTY) {
      const message = `${location} is named; it is not opened, since no password is given`;
      return [{ check: 'repository', verdict: 'warning', message, hint: 'a backup without a terminal would fail' }];
    }
    const given = await invocation.repositoryPassword();
    const backend = await openBackend(location);
    const repository = await Repository.open(ctx, backend, { password: given });
    const space =
      backend.localDirectory === undefined ? [] : checkDiskSpace('repository space', backend.localDirectory);
    return [
      { check: 'repository', verdict: 'ok', message: `${location} opens, id ${repository.config.id.slice(0, 10)}` },
      await checkLock(ctx, repository),
      await checkKeys(ctx, repository),
      ...space,
      ...(await checkSnapshotTimes(ctx, repository)),
      ...(keyCacheFile === undefined ? [] : [checkKeyCache(keyCacheFile, repository)]),
    ];
  } catch (error) {
    return [failedFinding('repository', error)];
  }
}

/** A lock is an object like any other: one that can be written and removed shows that backups can be. */
async function checkLock(ctx: Context, repository: Repository): Promise<Finding> {
  const check = 'repository lock';
  try {
    await withLock(ctx, repository, { exclusive: false, run: async () => undefined });
    return { check, verdict: 'ok', message: 'can be taken: objects are written and removed' };
  } catch (error) {
    const finding = failedFinding(check, error);
    return isOperationError(error, 'repository-locked') ? { ...finding, verdict: 'warning' } : finding;
  }
}

async function checkKeys(ctx: Context, repository: Repository): Promise<Finding> {
  const keys = await listKeys(ctx, repository);
  const message = `${plural(keys.length, 'password opens', 'passwords open')} it`;
  const finding: Finding = { check: 'repository keys', verdict: 'ok', message };
  if (keys.length > 1) return finding;
  return { ...finding, hint: '`understudy key add` makes a second one, for the safe' };
}

/** Retention, staleness and recovery by time all rely on clocks that agree. */
async function checkSnapshotTimes(ctx: Context, repository: Repository): Promise<Finding[]> {
  const [newest] = await loadSnapshots(ctx, snapshotSource(repository));
  if (newest === undefined) return [];
  const aheadMs = Number(newest.time.ns / 1_000_000n) - ctx.clock.now().getTime();
  if (aheadMs <= futureMs) return [{ check: 'clock', verdict: 'ok', message: 'no snapshot lies in the future' }];
  const message = `snapshot ${newest.id.slice(0, 8)} lies ${Math.round(aheadMs / 1000)} s in the future`;
  return [{ check: 'clock', verdict: 'warning', message, hint: 'synchronise the clocks of all machines (NTP)' }];
}

function checkKeyCache(path: string, repository: Repository): Finding {
  const check = 'key cache';
  try {
    const cached = loadKeyCache(path);
    if (cached === undefined) {
      return {
        check,
        verdict: 'ok',
        message: `${path} is not there yet`,
        hint: '`understudy cache save-key` writes it',
      };
    }
    if (cached.repositoryId === repository.config.id) return { check, verdict: 'ok', message: `${path} is private` };
    return {
      check,
      verdict: 'warning',
      message: `${path} is of another repository`,
      hint: 'run `understudy cache save-key`',
    };
  } catch (error) {
    return failedFinding(check, error);
  }
}
