import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { type Lsn, addToLsn, formatLsn, invalidLsn } from './lsn.ts';
import type { ReplicationConnection } from './replicationConnection.ts';
import type { TimelineId } from './timeline.ts';
import { deadline } from './wire/deadline.ts';
import { Liveness } from './wire/liveness.ts';
import type { MessageQueue, Received } from './wire/messageQueue.ts';
import {
  copyDoneMessage,
  decodeNotice,
  decodeRow,
  encodeQuery,
  serverMessage,
  unexpectedAnswer,
} from './wire/messages.ts';
import { lsnAt, quoteIdentifier, required, timelineAt } from './wire/rows.ts';
import { serverError } from './wire/serverErrors.ts';
import { readUntilReady } from './wire/simpleQuery.ts';
import { type WalChunk, WalMessageDecoder, type WalStatus, encodeStatus } from './wire/walMessages.ts';

export type { WalChunk, WalStatus } from './wire/walMessages.ts';

export interface StartReplicationOptions {
  /** A physical slot: the server keeps all WAL from what we reported as flushed. */
  readonly slot?: string;
  /** First byte wanted; receivers begin at a segment's first byte. */
  readonly startLsn: Lsn;
  readonly timeline: TimelineId;
  /** How often a status is sent unasked; default 1 second, so that even a short wal_sender_timeout is kept. */
  readonly statusIntervalMs?: number;
  /** How long a silent server is believed alive; default 60 seconds. */
  readonly receiveTimeoutMs?: number;
}

/** Why a stream ended without an error. */
export type WalStreamEnd =
  /** The timeline is complete up to `switchLsn`, where `nextTimeline` begins. */
  | { readonly reason: 'timeline-ended'; readonly nextTimeline: TimelineId; readonly switchLsn: Lsn }
  /** We asked for it. */
  | { readonly reason: 'stopped' }
  /** The server shut down in order, after we had confirmed all its WAL; the connection is closed. */
  | { readonly reason: 'server-shutdown' };

const disposeTimeoutMs = 10_000;

/**
 * Begins to stream physical WAL. Throws `wal-gap` when the server has removed it, `cluster-mismatch` when the position
 * is not in the server's history, `wal-slot` when the slot is missing or in use. The server checks some of this only
 * after it has consented: then the first `next` throws.
 */
export async function startReplication(
  ctx: Context,
  connection: ReplicationConnection,
  options: StartReplicationOptions,
): Promise<WalStream> {
  const stream = new WalStream(ctx, connection, options);
  await stream.begun();
  return stream;
}

/**
 * The WAL as the server writes it, without gaps and in order, in batches of what has arrived. Ends at the end of the
 * timeline, after `stop`, or when the server shuts down: `end` says which. Throws `postgres-unreachable` when the
 * connection breaks. Disposing ends the stream; the connection is then free for other commands.
 *
 * Statuses go out while the reader is busy: keepalives are answered on arrival with the positions reported last, and
 * reading from the socket stops while too much waits for the reader.
 */
export class WalStream implements AsyncIterable<readonly WalChunk[]>, AsyncDisposable {
  readonly #ctx: Context;
  readonly #connection: ReplicationConnection;
  readonly #attempted: string;
  readonly #queue: MessageQueue<WalChunk>;
  readonly #liveness: Liveness;
  readonly #forgetSignal: () => void;
  #reading: Promise<readonly WalChunk[] | undefined> | undefined;
  #status: WalStatus = { writtenLsn: invalidLsn, flushedLsn: invalidLsn, appliedLsn: invalidLsn };
  #position: Lsn;
  #serverLsn = invalidLsn;
  #end: WalStreamEnd | undefined;
  #over = false;
  #stopRequested = false;
  #serverIsDone = false;
  #copyDoneSent = false;
  #next: { readonly timeline: TimelineId; readonly lsn: Lsn } | undefined;
  #reported: OperationError | undefined;

  /** Use `startReplication`. */
  constructor(ctx: Context, connection: ReplicationConnection, options: StartReplicationOptions) {
    this.#ctx = ctx;
    this.#connection = connection;
    this.#position = options.startLsn;
    this.#attempted = `streaming WAL of timeline ${options.timeline} from ${formatLsn(options.startLsn)}`;
    const slot = options.slot === undefined ? '' : ` SLOT ${quoteIdentifier(options.slot)}`;
    const where = `${formatLsn(options.startLsn)} TIMELINE ${options.timeline}`;
    const decoder = new WalMessageDecoder((message) => {
      this.#heard(message.walEnd);
      if (message.replyRequested) this.#sendStatus(false);
    });
    const { session } = connection;
    this.#queue = session.begin(encodeQuery(`START_REPLICATION${slot} PHYSICAL ${where}`), (piece, offset, length) => {
      const chunk = decoder.decode(piece, offset, length);
      if (chunk !== undefined) this.#heard(chunk.walEnd);
      return chunk;
    });
    this.#forgetSignal = session.cutOnAbort(ctx.signal);
    this.#liveness = new Liveness(ctx.clock, {
      statusIntervalMs: options.statusIntervalMs ?? 1000,
      receiveTimeoutMs: options.receiveTimeoutMs ?? 60_000,
      excused: () => this.#queue.paused,
      sendStatus: (ask) => this.#sendStatus(ask),
      onDead: () => session.destroy(this.#silentServer()),
    });
  }

  /** Position after the last byte that was delivered. */
  get position(): Lsn {
    return this.#position;
  }

  /** Where the server's WAL ended when it was last heard; equal to `position` when we have all of it. */
  get serverLsn(): Lsn {
    return this.#serverLsn;
  }

  /** Set when the stream has ended without an error. */
  get end(): WalStreamEnd | undefined {
    return this.#end;
  }

  /** Waits for the server's consent. */
  async begun(): Promise<void> {
    const first = await this.#receive();
    if (first?.kind !== 'message') throw this.#broken('WAL without announcing it');
    if (first.type === serverMessage.copyBoth) return;
    // the position is the very end of a timeline of the past: there is nothing to copy
    if (first.type === serverMessage.rowDescription) {
      this.#serverIsDone = true;
      this.#copyDoneSent = true;
      return;
    }
    if (first.type !== serverMessage.error) throw this.#broken('no WAL');
    this.#finish();
    const error = serverError(this.#attempted, decodeNotice(first.body));
    // a fatal error is followed by nothing
    await readUntilReady(this.#connection.session, this.#queue, { attempted: this.#attempted }).catch(() => undefined);
    throw error;
  }

  /** Everything that has arrived since the last call, at least one chunk; undefined when the stream has ended. */
  async next(): Promise<readonly WalChunk[] | undefined> {
    this.#reading = this.#nextBatch();
    return this.#reading;
  }

  async #nextBatch(): Promise<readonly WalChunk[] | undefined> {
    while (!this.#over) {
      const received = await this.#receive();
      if (received?.kind === 'copy') {
        for (const chunk of received.items) this.#advance(chunk);
        return received.items;
      }
      if (received !== undefined) this.#control(received.type, received.body);
    }
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly WalChunk[], void, undefined> {
    for (let batch = await this.next(); batch !== undefined; batch = await this.next()) yield batch;
  }

  /** Reports how far we are, at any time; nothing happens after the end. A slot is advanced by `flushedLsn`. */
  sendStatus(status: WalStatus): void {
    const { replyRequested, ...positions } = status;
    this.#status = positions;
    this.#sendStatus(replyRequested === true);
  }

  /** Asks the server to stop sending. The iteration ends after what is on its way. */
  stop(): void {
    this.#stopRequested = true;
    this.#sendCopyDone();
  }

  /** Ends the stream, dropping what still comes; cuts the connection when the server does not consent in 10 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.stop();
    const { session } = this.#connection;
    using _ = deadline(this.#ctx.clock, disposeTimeoutMs, () => session.destroy(this.#silentServer()));
    try {
      await this.#reading; // somebody may have lost interest in what he waits for
      while ((await this.next()) !== undefined);
    } catch {
      // the connection is gone, and with it the stream
    }
  }

  /** The next batch or message; undefined when the connection has ended in order. */
  async #receive(): Promise<Received<WalChunk> | undefined> {
    try {
      for (;;) {
        const received = await this.#queue.next();
        if (received.kind === 'copy' || received.type !== serverMessage.notice) return received;
      }
    } catch (error) {
      this.#finish();
      if (this.#end === undefined) throw this.#reported ?? error;
      return undefined;
    }
  }

  #control(type: number, body: Buffer): void {
    if (type === serverMessage.copyDone) {
      this.#serverIsDone = true;
      this.#sendCopyDone();
    } else if (type === serverMessage.dataRow) {
      const row = decodeRow(body);
      this.#next = { timeline: required(timelineAt(row, 0)), lsn: required(lsnAt(row, 1)) };
    } else if (type === serverMessage.commandComplete) {
      if (!this.#serverIsDone) this.#end = { reason: 'server-shutdown' };
    } else if (type === serverMessage.error) {
      this.#reported = serverError(this.#attempted, decodeNotice(body));
    } else if (type === serverMessage.readyForQuery) {
      this.#ready();
    } else if (type !== serverMessage.rowDescription) {
      throw this.#broken(`message type ${type} in a WAL stream`);
    }
  }

  #ready(): void {
    this.#finish();
    this.#connection.session.end();
    if (this.#reported !== undefined) throw this.#reported;
    this.#end =
      this.#stopRequested || this.#next === undefined
        ? { reason: 'stopped' }
        : { reason: 'timeline-ended', nextTimeline: this.#next.timeline, switchLsn: this.#next.lsn };
  }

  #finish(): void {
    this.#over = true;
    this.#liveness.stop();
    this.#forgetSignal();
  }

  #advance(chunk: WalChunk): void {
    if (chunk.walStart !== this.#position) throw this.#broken('WAL that does not continue what it sent before');
    this.#position = addToLsn(chunk.walStart, BigInt(chunk.payload.length));
  }

  #heard(serverLsn: Lsn): void {
    this.#serverLsn = serverLsn;
    this.#liveness.heard();
  }

  #sendStatus(ask: boolean): void {
    if (this.#over || this.#copyDoneSent) return;
    this.#connection.session.send(encodeStatus({ ...this.#status, replyRequested: ask }, this.#ctx.clock.now()));
  }

  #sendCopyDone(): void {
    if (this.#copyDoneSent || this.#over) return;
    this.#copyDoneSent = true;
    this.#connection.session.send(copyDoneMessage);
  }

  #broken(what: string): OperationError {
    const error = unexpectedAnswer(what);
    this.#finish();
    this.#connection.session.destroy(error);
    return error;
  }

  #silentServer(): OperationError {
    return new OperationError('postgres-unreachable', `${this.#attempted}: the server has gone silent`, {
      hint: 'is the server stopped, or the network to it down?',
      detail: { position: formatLsn(this.#position) },
    });
  }
}
