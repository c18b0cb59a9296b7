import { OperationError } from '../../base/errors.ts';
import { deadline } from './deadline.ts';
import { decodeNotice, decodeRow, encodeQuery, type RawRow, serverMessage, unexpectedAnswer } from './messages.ts';
import type { MessageQueue, Received } from './messageQueue.ts';
import { serverError } from './serverErrors.ts';
import type { WireSession } from './session.ts';

const commandTimeoutMs = 60_000;

/**
 * Runs a command that answers at once, and returns the rows of all its results together.
 * `attempted` begins the message of an error, e.g. `creating the replication slot "x"`.
 */
export async function simpleQuery(session: WireSession, text: string, attempted: string): Promise<RawRow[]> {
  const queue = session.begin<never>(encodeQuery(text));
  using _ = deadline(session.ctx.clock, commandTimeoutMs, () => session.destroy(noAnswer(attempted)));
  const rows: RawRow[] = [];
  const failure = await readUntilReady(session, queue, {
    attempted,
    onMessage: ({ type, body }) => {
      if (type === serverMessage.dataRow) rows.push(decodeRow(body));
      else if (!expected.has(type)) throw unexpectedAnswer(`message type ${type} in answer to a simple command`);
    },
  });
  if (failure !== undefined) throw failure;
  return rows;
}

const expected: ReadonlySet<number> = new Set([serverMessage.rowDescription, serverMessage.commandComplete]);

export interface ReadOptions<T> {
  readonly attempted: string;
  /** Gets every message except errors, notices and the final ReadyForQuery. */
  readonly onMessage?: (message: Received<T> & { readonly kind: 'message' }) => void;
}

/**
 * Reads to the end of the exchange and ends it; copied data is dropped. Returns the error that the server reported,
 * which is the reason too when the connection is lost after it. Anything else that goes wrong is thrown.
 */
export async function readUntilReady<T>(
  session: WireSession,
  queue: MessageQueue<T>,
  options: ReadOptions<T>,
): Promise<OperationError | undefined> {
  let reported: OperationError | undefined;
  for (;;) {
    let received: Received<T>;
    try {
      received = await queue.next();
    } catch (error) {
      throw reported ?? error;
    }
    if (received.kind === 'copy') continue;
    if (received.type === serverMessage.readyForQuery) {
      session.end();
      return reported;
    }
    if (received.type === serverMessage.error) {
      reported ??= serverError(options.attempted, decodeNotice(received.body));
    } else if (received.type !== serverMessage.notice) {
      callOrCut(session, () => options.onMessage?.(received));
    }
  }
}

/** What the reader cannot make sense of leaves the exchange in an unknown state: the connection is of no use then. */
function callOrCut(session: WireSession, call: () => void): void {
  try {
    call();
  } catch (error) {
    session.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

function noAnswer(attempted: string): OperationError {
  return new OperationError('postgres-unreachable', `${attempted}: the server did not answer in time`, {
    hint: 'is the server, or the network to it, overloaded or stopped?',
  });
}
