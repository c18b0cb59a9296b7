import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { BaseBackupEvent, BaseBackupOptions, BaseBackupTablespace } from './baseBackupEvents.ts';
import type { Lsn } from './lsn.ts';
import type { ReplicationConnection } from './replicationConnection.ts';
import type { TimelineId } from './timeline.ts';
import { versionFacts } from './version.ts';
import {
  type ArchiveDecoder,
  type CopyPiece,
  MultiplexedArchives,
  SeparateArchives,
} from './wire/baseBackupArchives.ts';
import { baseBackupCommand } from './wire/baseBackupCommand.ts';
import type { MessageQueue, Received } from './wire/messageQueue.ts';
import { decodeNotice, decodeRow, encodeQuery, type RawRow, serverMessage, unexpectedAnswer } from './wire/messages.ts';
import { lsnAt, required, textAt, timelineAt } from './wire/rows.ts';
import { serverError } from './wire/serverErrors.ts';

/**
 * Begins a base backup of the whole cluster; the events come in batches of what has arrived. Without the `end` event
 * there is no backup. Leaving the iteration before it cuts the connection; after it, the connection is free again.
 * Throws `postgres-denied`, `postgres-settings`, `postgres-unreachable` ..., or the signal's reason.
 */
export function startBaseBackup(
  ctx: Context,
  connection: ReplicationConnection,
  options: BaseBackupOptions,
): AsyncIterable<readonly BaseBackupEvent[]> {
  return new BaseBackupReader(ctx, connection, options).batches();
}

const attempted = 'taking a base backup';
const dataCorrupted = 'XX001';

/** The phases of the answer: two results before the copy streams, one after. */
class BaseBackupReader {
  readonly #ctx: Context;
  readonly #connection: ReplicationConnection;
  readonly #command: string;
  #events: BaseBackupEvent[] = [];
  #results = 0;
  #rows: RawRow[] = [];
  #start: { readonly lsn: Lsn; readonly timeline: TimelineId } | undefined;
  #end: { readonly lsn: Lsn; readonly timeline: TimelineId } | undefined;
  #decoder: ArchiveDecoder | undefined;
  #reported: OperationError | undefined;
  #ready = false;

  constructor(ctx: Context, connection: ReplicationConnection, options: BaseBackupOptions) {
    this.#ctx = ctx;
    this.#connection = connection;
    this.#command = baseBackupCommand(versionFacts(connection.major).baseBackupGrammar, options);
  }

  async *batches(): AsyncGenerator<readonly BaseBackupEvent[], void, undefined> {
    const { session } = this.#connection;
    const forgetSignal = session.cutOnAbort(this.#ctx.signal);
    try {
      const queue = session.begin<CopyPiece>(encodeQuery(this.#command), (bytes, offset, length) => ({
        bytes,
        offset,
        length,
      }));
      while (!this.#ready) {
        this.#accept(await this.#next(queue));
        if (this.#decoder !== undefined && this.#events.length > 0) yield this.#takeEvents();
      }
      yield [this.#outcome()];
    } finally {
      forgetSignal();
      if (this.#ready) session.end();
      else session.destroy(abandoned());
    }
  }

  async #next(queue: MessageQueue<CopyPiece>): Promise<Received<CopyPiece>> {
    try {
      return await queue.next();
    } catch (error) {
      throw this.#reported ?? error;
    }
  }

  #accept(received: Received<CopyPiece>): void {
    if (received.kind === 'copy') {
      if (this.#decoder === undefined) throw unexpectedAnswer('backup data before its description');
      for (const piece of received.items) this.#decoder.copyPiece(piece);
      return;
    }
    const { type, body } = received;
    if (type === serverMessage.dataRow) this.#rows.push(decodeRow(body));
    else if (type === serverMessage.commandComplete) this.#resultComplete();
    else if (type === serverMessage.copyOut) this.#decoder?.copyBegin();
    else if (type === serverMessage.copyDone) this.#decoder?.copyEnd();
    else if (type === serverMessage.notice) this.#events.push({ kind: 'notice', notice: decodeNotice(body) });
    else if (type === serverMessage.error) this.#reported = serverError(attempted, decodeNotice(body));
    else if (type === serverMessage.readyForQuery) this.#ready = true;
    else if (type !== serverMessage.rowDescription) throw unexpectedAnswer(`message type ${type} in a base backup`);
  }

  #resultComplete(): void {
    const rows = this.#rows;
    if (rows.length === 0) return; // the completion of the command itself
    this.#rows = [];
    this.#results++;
    if (this.#results === 1) this.#start = position(rows);
    else if (this.#results === 2) this.#begin(rows.map(tablespace));
    else this.#end = position(rows);
  }

  #begin(tablespaces: readonly BaseBackupTablespace[]): void {
    const emit = (event: BaseBackupEvent): void => void this.#events.push(event);
    const multiplexed = versionFacts(this.#connection.major).baseBackupGrammar === 'options';
    this.#decoder = multiplexed
      ? new MultiplexedArchives({ emit, tablespaces })
      : new SeparateArchives({ emit, tablespaces });
    this.#events.unshift({ kind: 'start', ...required(this.#start), tablespaces });
  }

  #takeEvents(): readonly BaseBackupEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The server reports wrong checksums with an error, after everything was sent. */
  #outcome(): BaseBackupEvent {
    const error = this.#reported;
    const checksumsFailed = error?.detail['sqlstate'] === dataCorrupted && this.#end !== undefined;
    if (error !== undefined && !checksumsFailed) throw error;
    return { kind: 'end', ...required(this.#end), checksumsFailed };
  }
}

function position(rows: readonly RawRow[]): { lsn: Lsn; timeline: TimelineId } {
  const row = required(rows[0]);
  return { lsn: required(lsnAt(row, 0)), timeline: required(timelineAt(row, 1)) };
}

function tablespace(row: RawRow): BaseBackupTablespace {
  const [oid, location, size] = [0, 1, 2].map((column) => textAt(row, column));
  return {
    oid: oid === undefined ? undefined : Number(oid),
    location: location === undefined || location === '' ? undefined : location,
    sizeKilobytes: size === undefined ? undefined : Number(size),
  };
}

function abandoned(): OperationError {
  return new OperationError('backup-aborted', 'the base backup was left before its end', {
    hint: 'start it again; what is stored already is not sent to the repository again',
  });
}
