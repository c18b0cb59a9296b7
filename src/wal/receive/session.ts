import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { formatLsn, toLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ReplicationConnection, ServerIdentity } from '../../postgres/replicationConnection.ts';
import { openReplicationConnection } from '../../postgres/replicationConnection.ts';
import type { TimelineAncestry } from '../../postgres/timeline.ts';
import { startReplication, type WalStream, type WalStreamEnd } from '../../postgres/walStream.ts';
import type { Depot } from './depot.ts';
import { chooseStart, recordLoss, serverHistory } from './history.ts';
import { lostSlot, prepareSlot, recreateSlot, type SlotState } from './slot.ts';
import { segmentAlong, type LostRange, type StartPoint } from './startPoint.ts';
import type { StopRequest } from './stopRequest.ts';

export interface SessionParts {
  readonly stop: StopRequest;
  readonly connection: ConnectionOptions;
  readonly slot: string;
  readonly recreateLostSlot: boolean;
  /** The depot of the server's cluster. Throws `cluster-mismatch` when it is another one than before. */
  depotFor(identity: ServerIdentity, connection: ReplicationConnection): Promise<Depot>;
  /** Called when a stream begins, and with undefined when it has ended. */
  onStream(stream: WalStream | undefined, start: StartPoint): void;
  onGap(lost: LostRange): void;
  /** Whether what has arrived is all that was asked for. */
  isEnough(): boolean;
}

/** What is known of the server during one session. */
interface Session {
  readonly parts: SessionParts;
  readonly connection: ReplicationConnection;
  readonly identity: ServerIdentity;
  readonly depot: Depot;
  readonly ancestry: TimelineAncestry;
  slot: SlotState;
}

/** One connection, from the login to the end of the last stream. Resolves when we or the server ended it in order. */
export async function runSession(parts: SessionParts): Promise<WalStreamEnd> {
  const { work } = parts.stop;
  await using connection = await openReplicationConnection(work, parts.connection);
  const identity = await connection.identifySystem();
  const depot = await parts.depotFor(identity, connection);
  const ancestry = await serverHistory(work, connection, { depot, timeline: identity.timeline });
  const slot = await prepareSlot(work, connection, { name: parts.slot, connection: parts.connection });
  const session: Session = { parts, connection, identity, depot, ancestry, slot };
  const start = await chooseStart(work, { depot, ancestry, fallback: firstKept(session) });
  if (identity.flushedLsn < start.lsn) await requireAhead(connection, start);
  return await followTimelines(session, slot.lost ? await replaceSlot(session, start) : start);
}

/** Streams from `start` over every timeline that follows, past WAL that the server no longer has. */
async function followTimelines(session: Session, first: StartPoint): Promise<WalStreamEnd> {
  const { depot, parts, connection } = session;
  for (let start = first; ;) {
    try {
      const end = await streamTimeline(session, start);
      if (end.reason !== 'timeline-ended') return end;
      await serverHistory(parts.stop.work, connection, { depot, timeline: end.nextTimeline });
      start = { timeline: end.nextTimeline, lsn: segmentBegin(end.switchLsn, depot.segmentBytes) };
    } catch (error) {
      if (!isOperationError(error, 'wal-gap')) throw error;
      start = await passGap(session, start, error);
    }
  }
}

async function streamTimeline({ parts, connection, depot }: Session, start: StartPoint): Promise<WalStreamEnd> {
  const { stop } = parts;
  const { intake } = depot;
  await using stream = await startReplication(stop.work, connection, {
    slot: parts.slot,
    startLsn: start.lsn,
    timeline: start.timeline,
  });
  await intake.begin(start.timeline, start.lsn);
  const onStop = (): void => stream.stop();
  stop.signal.addEventListener('abort', onStop);
  parts.onStream(stream, start);
  try {
    if (stop.signal.aborted) stream.stop();
    while (!parts.isEnough()) {
      const batch = await stream.next();
      if (batch === undefined) break;
      await intake.accept(batch, stop.signal);
    }
  } finally {
    stop.signal.removeEventListener('abort', onStop);
    parts.onStream(undefined, start);
  }
  return stream.end ?? { reason: 'stopped' };
}

/** The server has removed the WAL that comes next: records that, and finds where it goes on. */
async function passGap(session: Session, from: StartPoint, error: OperationError): Promise<StartPoint> {
  const next = firstKept(session);
  if (next.lsn <= from.lsn) throw error;
  const { lost, start } = await recordLoss(session.parts.stop.work, session, { from, next });
  for (const range of lost) session.parts.onGap(range);
  return start;
}

/** A lost slot ends receiving unless it may be made anew; the gap, if there is one, is recorded in either case. */
async function replaceSlot(session: Session, start: StartPoint): Promise<StartPoint> {
  const { parts, connection } = session;
  const { work } = parts.stop;
  const gap = await gapAt(work, session, start);
  if (!parts.recreateLostSlot) {
    if (gap !== undefined) await passGap(session, start, gap);
    throw lostSlot(parts.slot);
  }
  session.slot = await recreateSlot(work, connection, { name: parts.slot, connection: parts.connection });
  return gap === undefined ? start : passGap(session, start, gap);
}

/** The error with which the server refuses WAL that it no longer has; undefined when it has it. */
async function gapAt(
  ctx: Context,
  { connection, identity }: Session,
  { lsn, timeline }: StartPoint,
): Promise<OperationError | undefined> {
  if (identity.flushedLsn <= lsn) return undefined; // nothing there yet that could be gone
  try {
    await using stream = await startReplication(ctx, connection, { startLsn: lsn, timeline });
    await stream.next();
    return undefined;
  } catch (error) {
    if (isOperationError(error, 'wal-gap')) return error;
    throw error;
  }
}

/** The first segment that the server is sure to have: the one from which the slot keeps WAL, else the one it writes. */
function firstKept({ slot, identity, ancestry, depot: { segmentBytes } }: Session): StartPoint {
  const lsn = slot.lost ? identity.flushedLsn : (slot.restartLsn ?? identity.flushedLsn);
  return segmentAlong(ancestry, lsn / BigInt(segmentBytes), segmentBytes);
}

/**
 * A server whose WAL ends before the archive's would write other WAL under names that are archived. It is asked where
 * it is now: it may have gone on to the next segment since, and the slot begin there.
 */
async function requireAhead(connection: ReplicationConnection, { lsn }: StartPoint): Promise<void> {
  const { flushedLsn } = await connection.identifySystem();
  if (flushedLsn >= lsn) return;
  const message = `the server's WAL ends at ${formatLsn(flushedLsn)}, before the archived WAL at ${formatLsn(lsn)}`;
  throw new OperationError('cluster-mismatch', message, {
    hint: 'was the server put back to an older state, or is it a standby that lags behind the server received from before?',
    detail: { server: formatLsn(flushedLsn), archived: formatLsn(lsn) },
  });
}

function segmentBegin(lsn: Lsn, segmentBytes: number): Lsn {
  return toLsn(lsn - (lsn % BigInt(segmentBytes)));
}
