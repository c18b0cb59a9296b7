import { segmentNumberAt } from '../postgres/walSegment.ts';
import { segmentBegin } from '../wal/walListing.ts';
import type { WalServerStatus } from '../wal/walServerStatus.ts';
import type { WalArchiveStatus } from '../wal/walStatus.ts';
import type { ServerFacts } from './facts.ts';

/** What a server answered when it was asked for its WAL, or why it did not. */
export type ServerAnswer = ServerWal | { readonly unreachable: string };

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
export function serverFacts(status: ArchivedWal, server: ServerAnswer | undefined): ServerFacts {
  if (server === undefined) return { state: 'not-asked' };
  if ('unreachable' in server) return { state: 'unreachable', reason: server.unreachable };
  if (server.isStandby) return { state: 'behind' }; // it does not know what its primary has written
  const { newest, segmentBytes, systemIdentifier } = status;
  if (server.systemIdentifier !== systemIdentifier || newest?.timeline !== server.timeline) return { state: 'behind' };
  if (newest.lsn >= server.currentLsn) return { state: 'all-archived' };
  const present = segmentBegin(segmentNumberAt(server.currentLsn, segmentBytes), segmentBytes);
  const { archiveTimeoutMs } = server;
  const inTime = server.archiveMode !== 'off' && archiveTimeoutMs > 0 && newest.lsn >= present;
  return inTime ? { state: 'at-most', archiveTimeoutMs } : { state: 'behind' };
}
