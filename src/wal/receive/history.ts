import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { ReplicationConnection } from '../../postgres/replicationConnection.ts';
import {
  parseTimelineHistory,
  timelineAncestry,
  toTimelineId,
  type TimelineAncestry,
  type TimelineId,
} from '../../postgres/timeline.ts';
import { listWalGaps } from '../walGapMarkers.ts';
import { listArchive } from '../walListing.ts';
import type { Depot } from './depot.ts';
import { continueAlong, firstMissing, type StartPoint } from './startPoint.ts';

/**
 * The history of a timeline of the server. Its history file, and those of the timelines before it that the server still
 * has, are stored first: recovery looks for them one by one, and stops looking at the first that is missing.
 */
export async function serverHistory(
  ctx: Context,
  connection: ReplicationConnection,
  { depot, timeline }: { readonly depot: Depot; readonly timeline: TimelineId },
): Promise<TimelineAncestry> {
  for (let older = 2; older < timeline; older++)
    await storeOlder(ctx, connection, { depot, timeline: toTimelineId(older) });
  if (timeline === 1) return timelineAncestry(timeline, []);
  const content = await connection.timelineHistory(timeline);
  await depot.writer.storeFile({ kind: 'history', timeline }, content);
  return timelineAncestry(timeline, parseTimelineHistory(timeline, content.toString('utf8')));
}

/**
 * Where to begin: where the last stream was interrupted, else at the first segment that the archive lacks, else
 * (`fallback`) where the server's WAL begins for us.
 */
export async function chooseStart(
  ctx: Context,
  at: { readonly depot: Depot; readonly ancestry: TimelineAncestry; readonly fallback: StartPoint },
): Promise<StartPoint> {
  const { depot, ancestry, fallback } = at;
  const interrupted = depot.intake.resumeAt;
  const continued = interrupted && continueAlong(ancestry, interrupted, depot.segmentBytes);
  if (continued !== undefined) return continued;
  if (interrupted !== undefined) {
    ctx.log.warn(
      { timeline: interrupted.timeline, lsn: formatLsn(interrupted.lsn) },
      'the server does not follow the timeline received so far',
    );
    await depot.intake.settle();
  }
  const listing = await listArchive(ctx, depot.archive);
  const missing = firstMissing(listing, ancestry, await listWalGaps(ctx, depot.archive));
  const newest = listing.timelines.at(-1)?.timeline;
  if (newest !== undefined && newest > ancestry.at(-1)!.timeline) {
    ctx.log.warn(
      { archived: newest, server: ancestry.at(-1)!.timeline },
      'the archive has a newer timeline than the server',
    );
  }
  return missing ?? fallback;
}

async function storeOlder(
  ctx: Context,
  connection: ReplicationConnection,
  { depot: { archive, writer }, timeline }: { readonly depot: Depot; readonly timeline: TimelineId },
): Promise<void> {
  const file = { kind: 'history', timeline } as const;
  if (await archive.has(ctx, file)) return;
  try {
    await writer.storeFile(file, await connection.timelineHistory(timeline));
  } catch (error) {
    if (!isOperationError(error, 'not-found')) throw error;
    ctx.log.debug({ timeline }, 'the server has no history file of this older timeline');
  }
}
