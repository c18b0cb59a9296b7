import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { WalFileName } from '../../postgres/walFileName.ts';
import type { WalArchive } from '../walArchive.ts';
import { listArchive } from '../walListing.ts';
import { walFileNameText } from '../walObjectName.ts';
import { asRecoveryError } from './recoveryError.ts';
import { explainAbsence } from './explainAbsence.ts';
import type { RecoveryView } from './recoveryView.ts';

/** An object may be read while it is being replaced or while a mount hiccups; more tries than this help nobody. */
const readTries = 3;
const retryDelayMs = 300;

/**
 * The content of a file as recovery may use it: of an unfinished segment a whole one, padded with zeros, if it is the
 * last of its timeline; without what lies behind the switch point to a newer timeline.
 * Throws `wal-missing` when its absence is proved, and `wal-unavailable` on any doubt.
 */
export async function fetchWal(ctx: Context, view: RecoveryView, at: { archive: WalArchive; file: WalFileName }) {
  try {
    return await fetchOrExplain(ctx, view, at);
  } catch (error) {
    throw asRecoveryError(walFileNameText(at.file), error);
  }
}

async function fetchOrExplain(
  ctx: Context,
  view: RecoveryView,
  { archive, file }: { archive: WalArchive; file: WalFileName },
): Promise<Buffer> {
  const name = walFileNameText(file);
  if (file.kind === 'segment' && view.isBehindEnd(file.segment)) throw missing(name, 'recovery is to end before it');
  for (let triesLeft = readTries; triesLeft > 0; triesLeft--) {
    const content = await readIfPresent(ctx, archive, file);
    if (content !== undefined) return file.kind === 'segment' ? usablePart(ctx, view, { file, content }) : content;
    const absence = explainAbsence(await listArchive(ctx, archive), file, view.timeline);
    if (absence.kind === 'lost') throw absence.error;
    if (absence.kind === 'proved') throw missing(name, 'it is not in the archive');
    if (absence.kind === 'unfinished' && file.kind === 'segment') {
      const completed = await completeUnfinished(ctx, archive, file);
      if (completed !== undefined) return usablePart(ctx, view, { file, content: completed });
    }
  }
  throw new OperationError('wal-unavailable', `${name} appears in the archive and disappears again`, {
    hint: 'does something else write to the repository?',
  });
}

async function usablePart(
  ctx: Context,
  view: RecoveryView,
  { file, content }: { file: WalFileName & { kind: 'segment' }; content: Buffer },
): Promise<Buffer> {
  const usable = await view.usableBytes(ctx, file.segment, content.length);
  if (usable === 0) throw missing(file.segment, 'its WAL does not belong to the timeline that is followed');
  return content.fill(0, usable);
}

async function completeUnfinished(
  ctx: Context,
  archive: WalArchive,
  { segment }: WalFileName & { kind: 'segment' },
): Promise<Buffer | undefined> {
  try {
    const { content, header } = await archive.get(ctx, { kind: 'partial', segment });
    return Buffer.concat([content], header.segmentBytes);
  } catch (error) {
    if (isOperationError(error, 'object-missing')) return undefined; // it was finished meanwhile
    throw error;
  }
}

/** Damage may be that of one reading; what stays is reported. */
async function readIfPresent(ctx: Context, archive: WalArchive, file: WalFileName): Promise<Buffer | undefined> {
  for (let triesLeft = readTries; ; triesLeft--) {
    try {
      return (await archive.get(ctx, file)).content;
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return undefined;
      if (!isOperationError(error, 'repository-damaged') || triesLeft <= 1) throw error;
      await ctx.clock.sleep(retryDelayMs, ctx.signal);
    }
  }
}

function missing(name: string, reason: string): OperationError {
  return new OperationError('wal-missing', `there is no ${name}: ${reason}`, { detail: { name } });
}
