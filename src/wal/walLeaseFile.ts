import { readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { neededSinceRestartPoint } from './restartPoint.ts';
import type { WalArchive } from './walArchive.ts';
import { endLease, parseClaim, renewLease, type LeaseClaim } from './walLease.ts';

/** A lease lives a day: missing a few renewals ends nothing. */
const renewEveryMs = 10 * 60_000;

/** File in the directory of a restore command's prefetcher that names the lease of the recovery. */
export function leaseFilePath(spool: string): string {
  return join(spool, 'lease');
}

/** The claim of the recovery that fetches through this directory; undefined when it has none. */
export function readLeaseFile(spool: string): LeaseClaim | undefined {
  try {
    return parseClaim(readFileSync(leaseFilePath(spool), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Renews the lease of a recovery that is at work, every few minutes, from where it now needs WAL; the file's time tells
 * when that was. It cannot be renewed where the server's user may only read the repository: then it lasts a day from
 * the restore on.
 */
export async function renewLeaseIfDue(ctx: Context, archive: WalArchive, spool: string): Promise<void> {
  const path = leaseFilePath(spool);
  const now = ctx.clock.now();
  const renewed = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (renewed === undefined || Math.abs(now.getTime() - renewed) < renewEveryMs) return;
  const claim = readLeaseFile(spool);
  if (claim === undefined) return;
  await tolerating(ctx, async () => {
    utimesSync(path, now, now); // first: what fails is not tried again for every segment
    const dataDirectory = dirname(dirname(spool)); // it lies in pg_wal, or nothing is found
    const needed = await neededSinceRestartPoint(ctx, archive, { dataDirectory, from: claim });
    await renewLease(ctx, archive, { ...claim, ...needed });
  });
}

/** Ends the lease of a recovery that has ended; one that stays ends by itself. */
export async function endLeaseOf(ctx: Context, archive: WalArchive, { id }: LeaseClaim): Promise<void> {
  await tolerating(ctx, () => endLease(ctx, archive, id));
}

async function tolerating(ctx: Context, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const isExpected = isOperationError(error) || (error instanceof Error && 'code' in error);
    if (!isExpected) throw error;
    ctx.log.warn({ err: error }, 'cannot write the lease on the WAL of this recovery');
  }
}
