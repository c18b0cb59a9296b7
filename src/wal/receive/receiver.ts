import { OperationError, isOperationError } from '../../base/errors.ts';
import { parseSize } from '../../base/bytes.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ReplicationConnection, ServerIdentity } from '../../postgres/replicationConnection.ts';
import type { WalStream } from '../../postgres/walStream.ts';
import type { ReceiveWalOptions } from '../receiveOptions.ts';
import type { ArchiveWriter } from './archiveWriter.ts';
import { openDepot, spooledCluster, storeLeftovers, type Depot, type DepotParts } from './depot.ts';
import type { Troubles } from './persistence.ts';
import { runSession, type SessionParts } from './session.ts';
import type { Spool } from './spool.ts';
import type { StartPoint } from './startPoint.ts';
import type { Positions } from './statusMeter.ts';
import type { StopRequest } from './stopRequest.ts';

export interface ReceiverParts {
  readonly options: ReceiveWalOptions;
  readonly spool: Spool;
  readonly writer: ArchiveWriter;
  readonly stop: StopRequest;
  readonly troubles: Troubles;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** The server keeps a slot for a receiver that vanished until wal_sender_timeout, by default one minute. */
const slotPatienceMs = { first: 3_000, later: 120_000 };

/** Keeps a stream up, from connection to connection, until it is told to stop. */
export class Receiver {
  readonly #parts: ReceiverParts;
  #state: Positions['state'] = 'connecting';
  #depot: Depot | undefined;
  #stream: WalStream | undefined;
  #start: StartPoint | undefined;
  #serverLsn: Lsn | undefined;
  #goal: Lsn | undefined;
  #hasStreamed = false;
  #gaps = 0;
  #slotBusySinceMs: number | undefined;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#goal = typeof parts.options.until === 'bigint' ? parts.options.until : undefined;
  }

  get positions(): Positions {
    const intake = this.#depot?.intake;
    return {
      state: this.#parts.stop.signal.aborted ? 'ending' : this.#state,
      timeline: intake?.timeline ?? this.#start?.timeline,
      serverLsn: this.#newestServerLsn(),
      receivedLsn: intake?.receivedLsn,
      flushedLsn: intake?.flushedLsn,
      archivedLsn: intake?.archivedLsn,
      segmentsArchived: intake?.segmentsArchived ?? 0,
      gaps: this.#gaps,
      problem: this.#parts.troubles.first,
    };
  }

  /** Brings what an earlier receiver left into the repository; no server is needed for that. */
  async storeLeftovers(): Promise<void> {
    const cluster = spooledCluster(this.#parts.spool);
    if (cluster === undefined) return;
    this.#depot = await openDepot(this.#parts.stop.work, this.#depotParts(), cluster);
    await storeLeftovers(this.#depot, this.#parts.spool);
  }

  /** Streams until a stop is asked for. The first connection has to succeed; later ones are tried for ever. */
  async run(): Promise<void> {
    const { stop, troubles } = this.#parts;
    let pauseMs = firstPauseMs;
    while (!stop.signal.aborted) {
      const before = this.#depot?.intake.receivedLsn;
      try {
        await runSession(this.#sessionParts());
      } catch (error) {
        if (stop.signal.aborted && isConnectionError(error)) return;
        if (!this.#mayReconnect(error)) throw error;
        troubles.set('server', error as OperationError);
      }
      if (this.#enough()) return stop.ask();
      if (stop.signal.aborted) return;
      this.#state = 'waiting';
      // the server may be gone for good, and this machine may be next
      this.#depot?.intake.secure().catch((error: unknown) => stop.fail(error));
      if (this.#depot?.intake.receivedLsn !== before) pauseMs = firstPauseMs;
      await stop.work.clock.sleep(pauseMs, stop.signal).catch(() => undefined);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }

  /** Stores what there is of the unfinished segment. */
  async refreshPartial(): Promise<void> {
    await this.#depot?.intake.refreshPartial();
  }

  /** Brings all that has arrived into the repository. */
  async settle(): Promise<void> {
    await this.#depot?.intake.settle();
  }

  #depotParts(): DepotParts {
    const { options, spool, writer, stop, troubles } = this.#parts;
    const { repository, cluster } = options;
    return { repository, spool, writer, stop, troubles, namedCluster: cluster, onDurable: () => this.#report() };
  }

  #sessionParts(): SessionParts {
    const { options, stop } = this.#parts;
    return {
      stop,
      connection: { ...options.connection, applicationName: options.applicationName ?? options.slot },
      slot: options.slot,
      recreateLostSlot: options.recreateLostSlot === true,
      depotFor: (identity, connection) => this.#depotFor(identity, connection),
      onStream: (stream, start) => this.#onStream(stream, start),
      onGap: () => (this.#gaps += 1),
      isEnough: () => this.#enough(),
    };
  }

  async #depotFor(identity: ServerIdentity, connection: ReplicationConnection): Promise<Depot> {
    const { options, stop } = this.#parts;
    if (options.until === 'caught-up') this.#goal ??= identity.flushedLsn;
    const { systemIdentifier } = identity;
    if (this.#depot === undefined) {
      const segmentBytes = parseSize((await connection.show('wal_segment_size')).replace(/B$/, '')) ?? 0;
      this.#depot = await openDepot(stop.work, this.#depotParts(), { systemIdentifier, segmentBytes });
    }
    if (this.#depot.systemIdentifier !== systemIdentifier) throw otherCluster(identity, this.#depot);
    return this.#depot;
  }

  #onStream(stream: WalStream | undefined, start: StartPoint): void {
    this.#serverLsn = this.#newestServerLsn();
    this.#stream = stream;
    this.#start = start;
    if (stream === undefined) return;
    this.#state = 'streaming';
    this.#hasStreamed = true;
    this.#slotBusySinceMs = undefined;
    const { stop, troubles } = this.#parts;
    troubles.clear('server');
    stop.work.log.info({ timeline: start.timeline, lsn: formatLsn(start.lsn) }, 'streaming WAL');
    this.#report();
  }

  /** Tells the server how far we are. What counts as applied is what is flushed: nobody can read here. */
  #report(): void {
    const intake = this.#depot?.intake;
    if (this.#stream === undefined || intake === undefined) return;
    const { receivedLsn: writtenLsn, flushedLsn } = intake;
    if (writtenLsn === undefined || flushedLsn === undefined) return;
    this.#stream.sendStatus({ writtenLsn, flushedLsn, appliedLsn: flushedLsn });
  }

  #enough(): boolean {
    const received = this.#depot?.intake.receivedLsn;
    return this.#goal !== undefined && received !== undefined && received >= this.#goal;
  }

  #mayReconnect(error: unknown): boolean {
    if (isOperationError(error, 'wal-slot') && error.detail['sqlstate'] === slotInUse) {
      const nowMs = this.#parts.stop.work.clock.monotonicMs();
      this.#slotBusySinceMs ??= nowMs;
      return nowMs - this.#slotBusySinceMs < (this.#hasStreamed ? slotPatienceMs.later : slotPatienceMs.first);
    }
    return this.#hasStreamed && isConnectionError(error);
  }

  #newestServerLsn(): Lsn | undefined {
    const heard = this.#stream?.serverLsn;
    return heard === undefined || heard === 0n ? this.#serverLsn : heard;
  }
}

const slotInUse = '55006';

function isConnectionError(error: unknown): boolean {
  return isOperationError(error, 'postgres-unreachable', 'interrupted');
}

function otherCluster(identity: ServerIdentity, depot: Depot): OperationError {
  const found = String(identity.systemIdentifier);
  const expected = String(depot.systemIdentifier);
  return new OperationError(
    'cluster-mismatch',
    `the server is cluster ${found}; WAL of cluster ${expected} was received`,
    {
      hint:
        'does the address now lead to another server, or was the cluster created anew? ' +
        'all that was received is in the repository: the spool directory may be removed',
      detail: { found, expected },
    },
  );
}
