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
import { listWalGaps, recordWalGap } from '../walGapMarkers.ts';
import { listArchive } from '../walListing.ts';
import type { Depot } from './depot.ts';
import {
  continueAlong,
  firstMissing,
  lostBetween,
  nextArchived,
  type LostRange,
  type StartPoint,
} from './startPoint.ts';

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
  const interrupted = depot.intake.interruptedAt;
  const continued = interrupted && continueAlong(ancestry, interrupted, depot.segmentBytes);
  if (continued !== undefined) return continued;
  if (interrupted !== undefined) {
    ctx.log.warn(
      { timeline: interrupted.timeline, lsn: formatLsn(interrupted.lsn) },
      'the server does not follow the timeline received so far',
    );
    await depot.intake.settle();
  }
  return (await startFromArchive(ctx, depot, ancestry)) ?? fallback;
}

/** The first segment that the archive lacks in the server's history; undefined when it has nothing of it. */
async function startFromArchive(
  ctx: Context,
  { archive }: Depot,
  ancestry: TimelineAncestry,
): Promise<StartPoint | undefined> {
  const listing = await listArchive(ctx, archive);
  const newest = listing.timelines.at(-1)?.timeline;
  const { timeline } = ancestry.at(-1)!;
  if (newest !== undefined && newest > timeline) {
    ctx.log.warn({ archived: newest, server: timeline }, 'the archive has a newer timeline than the server');
  }
  return firstMissing(listing, ancestry, await listWalGaps(ctx, archive));
}

/**
 * Records that the WAL from `from` on is lost, up to where the archive or (`next`) the server has it again, and says
 * where to go on.
 */
export async function recordLoss(
  ctx: Context,
  { depot, ancestry }: { readonly depot: Depot; readonly ancestry: TimelineAncestry },
  { from, next }: { readonly from: StartPoint; readonly next: StartPoint },
): Promise<{ readonly lost: readonly LostRange[]; readonly start: StartPoint }> {
  const archived = nextArchived(await listArchive(ctx, depot.archive), ancestry, from.lsn) ?? next.lsn;
  const end = archived < next.lsn ? archived : next.lsn;
  const lost = lostBetween(ancestry, { begin: from.lsn, end }, depot.segmentBytes);
  const reason = 'the server had removed it before it was received';
  for (const range of lost) {
    await recordWalGap(ctx, depot.archive, { ...range, recordedAt: ctx.clock.now(), reason });
    const { timeline, begin } = range;
    const fields = { timeline, begin: formatLsn(begin), end: formatLsn(range.end) };
    ctx.log.error(fields, 'WAL is lost: a new base backup is needed');
  }
  return { lost, start: end === next.lsn ? next : ((await startFromArchive(ctx, depot, ancestry)) ?? next) };
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
