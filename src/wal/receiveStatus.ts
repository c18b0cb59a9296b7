import type { OperationError } from '../base/errors.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { TimelineId } from '../postgres/timeline.ts';

/** How a receiver is, at one moment. Positions are undefined until they are known. */
export interface ReceiveStatus {
  readonly state: 'connecting' | 'streaming' | 'waiting' | 'ending';
  readonly timeline: TimelineId | undefined;
  /** Where the server's WAL ended when it was last heard. */
  readonly serverLsn: Lsn | undefined;
  readonly receivedLsn: Lsn | undefined;
  /** Everything before is durable here or in the repository; this is what the server is told. */
  readonly flushedLsn: Lsn | undefined;
  /** Everything before is in the repository: what is left when this machine and the server burn. */
  readonly archivedLsn: Lsn | undefined;
  /** What the server has and the repository has not. */
  readonly lagBytes: bigint;
  /** For how long the repository has not had all of the server's WAL; 0 when it has it. */
  readonly lagSeconds: number;
  /** Received per second, since the status before. */
  readonly bytesPerSecond: number;
  readonly segmentsArchived: number;
  /** Gaps that were found and recorded since the start. */
  readonly gaps: number;
  /** What keeps WAL from moving on at the moment. */
  readonly problem: OperationError | undefined;
}
