import { segmentNumberAt } from '../postgres/walSegment.ts';
import { segmentBegin } from '../wal/walListing.ts';
import type { WalServerStatus } from '../wal/walServerStatus.ts';
import type { WalArchiveStatus } from '../wal/walStatus.ts';
import type { ServerFacts, ServerState } from './facts.ts';

/** What a server answered when it was asked for its WAL, or why it did not. */
export type ServerAnswer = ServerStatus | { readonly unreachable: string };

export type ServerStatus = ServerWal & Pick<WalServerStatus, 'archiver' | 'waitingFiles'>;

type ServerWal = Pick<
  WalServerStatus,
  'systemIdentifier' | 'timeline' | 'isStandby' | 'currentLsn' | 'archiveMode' | 'archiveTimeoutMs'
>;
type ArchivedWal = Pick<WalArchiveStatus, 'systemIdentifier' | 'newest' | 'segmentBytes'>;

/**
 * Compares what the server has written with what is archived; it counts only where both are one history. A server that
 * hands over WAL after `archive_timeout` has written nothing older than that which is not archived, once all segments
 * before its present one are.
 */
export function serverFacts(
  status: ArchivedWal,
  server: ServerWal | { readonly unreachable: string } | undefined,
): ServerFacts {
  if (server === undefined) return { state: 'not-asked' };
  if ('unreachable' in server) return { state: 'unreachable', reason: server.unreachable };
  if (server.isStandby) return { state: 'behind' }; // it does not know what its primary has written
  const { newest, segmentBytes, systemIdentifier } = status;
  if (server.systemIdentifier !== systemIdentifier || newest?.timeline !== server.timeline) return { state: 'behind' };
  if (newest.lsn >= server.currentLsn) return { state: 'all-archived' };
  const present = segmentBegin(segmentNumberAt(server.currentLsn, segmentBytes), segmentBytes);
  const { archiveTimeoutMs } = server;
  if (server.archiveMode === 'off' || newest.lsn < present) return { state: 'behind' };
  return archiveTimeoutMs > 0 ? { state: 'at-most', archiveTimeoutMs } : { state: 'when-full' };
}

/** What a server says of itself; undefined when not asked or without an answer. `backedUp` is the newest good one. */
export function serverState(
  server: ServerAnswer | undefined,
  backedUp: Pick<WalServerStatus, 'systemIdentifier'>,
): ServerState | undefined {
  if (server === undefined || 'unreachable' in server) return undefined;
  return {
    isAnotherCluster: server.systemIdentifier !== backedUp.systemIdentifier,
    archivingFails: failsToArchive(server) ? archivingFailure(server) : undefined,
  };
}

/** Its statistics outlive a switched off archive, and those of a standby may be its primary's. */
function failsToArchive({ archiver, archiveMode, isStandby, waitingFiles }: ServerStatus): boolean {
  const { lastFailedAt, lastArchivedAt } = archiver;
  if (archiveMode === 'off' || (isStandby && archiveMode !== 'always') || waitingFiles === 0n) return false;
  return lastFailedAt !== null && (lastArchivedAt === null || lastFailedAt > lastArchivedAt);
}

function archivingFailure({ archiver, waitingFiles }: ServerStatus): ServerState['archivingFails'] {
  const { lastFailed, lastArchivedAt } = archiver;
  return {
    segment: lastFailed ?? '',
    lastSuccess: lastArchivedAt === null ? undefined : new Date(lastArchivedAt),
    waitingFiles: waitingFiles === undefined ? undefined : Number(waitingFiles),
  };
}
