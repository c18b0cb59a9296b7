import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { isOperationError, systemErrorCode } from '../base/errors.ts';
import { backupLabelPath } from '../postgres/backupLabel.ts';
import { controlFilePath, parseControlFile } from '../postgres/controlFile.ts';
import { ancestryContains, timelineAncestry, toTimelineId } from '../postgres/timeline.ts';
import type { WalArchive } from './walArchive.ts';
import type { LeasedWal } from './walLease.ts';
import { readHistory } from './walListing.ts';

/**
 * The WAL that a recovering server needs should it be started again: from its last restart point on, or from where it
 * was needed at first (`from`) while there is none, or any doubt. Without it a standby that follows for ever would hold
 * all WAL since its backup.
 */
export async function neededSinceRestartPoint(
  ctx: Context,
  archive: WalArchive,
  { dataDirectory, from }: { readonly dataDirectory: string; readonly from: LeasedWal },
): Promise<LeasedWal> {
  const restartPoint = readRestartPoint(dataDirectory, archive);
  if (restartPoint === undefined) return from;
  const leadsOn =
    restartPoint.timeline === from.timeline
      ? restartPoint.startLsn > from.startLsn
      : await isDescendant(ctx, archive, { from, to: restartPoint });
  return leadsOn ? restartPoint : from;
}

/** Undefined while the server has not begun: until it has read its backup label, that tells where it begins. */
function readRestartPoint(dataDirectory: string, { systemIdentifier }: WalArchive): LeasedWal | undefined {
  try {
    if (existsSync(join(dataDirectory, backupLabelPath))) return undefined; // it goes after pg_control tells
    const reading = parseControlFile(readFileSync(join(dataDirectory, controlFilePath)));
    if (reading.state === 'torn') return undefined;
    const { state, checkpoint, systemIdentifier: own } = reading.controlFile;
    if (state !== 'in archive recovery' || own !== systemIdentifier) return undefined;
    return { timeline: toTimelineId(checkpoint.timeline), startLsn: checkpoint.redo };
  } catch (error) {
    if (systemErrorCode(error) === undefined && !isOperationError(error, 'postgres-unsupported')) throw error;
    return undefined;
  }
}

async function isDescendant(
  ctx: Context,
  archive: WalArchive,
  { from, to }: { readonly from: LeasedWal; readonly to: LeasedWal },
): Promise<boolean> {
  try {
    const ancestry = timelineAncestry(to.timeline, await readHistory(ctx, archive, to.timeline));
    return [from, to].every(({ timeline, startLsn }) => ancestryContains(ancestry, timeline, startLsn));
  } catch (error) {
    if (isOperationError(error, 'object-missing', 'repository-damaged', 'wal-invalid')) return false;
    throw error;
  }
}
