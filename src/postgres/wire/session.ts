import type { Socket } from 'node:net';
import type { Context } from '../../base/context.ts';
import { OperationError, assert } from '../../base/errors.ts';
import type { ConnectedClient } from './connect.ts';
import { closeTimeoutMs, deadline } from './deadline.ts';
import { Framer, type FrameHandler } from './framer.ts';
import { type CopyDecoder, MessageQueue } from './messageQueue.ts';
import { decodeNotice, decodeParameterStatus, serverMessage, terminateMessage, unexpectedAnswer } from './messages.ts';
import { serverError } from './serverErrors.ts';

/**
 * A logged-in connection whose socket is ours: pg has connected and authenticated, and reads nothing any more.
 * One exchange (a command and everything that answers it) at a time.
 */
export class WireSession implements FrameHandler {
  readonly ctx: Context;
  readonly parameters: Map<string, string>;
  readonly #socket: Socket;
  readonly #framer = new Framer(this);
  readonly #closed: Promise<void>;
  #exchange: MessageQueue<unknown> | undefined;
  #failure: Error | undefined;

  /** The session ends when `ctx.signal` aborts. */
  constructor(ctx: Context, connected: ConnectedClient) {
    this.ctx = ctx;
    this.parameters = connected.parameters;
    this.#socket = connected.socket;
    this.#socket.removeAllListeners('data');
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (cause: Error) => this.#fail(connectionLost(cause)));
    this.#closed = new Promise((resolve) => this.#socket.once('close', resolve));
    const forgetSignal = this.cutOnAbort(ctx.signal);
    void this.#closed.then(() => {
      forgetSignal();
      this.#fail(connectionLost());
    });
  }

  /** Begins an exchange by sending a command. Throws when the connection is gone. */
  begin<T>(command: Buffer, decode: CopyDecoder<T> = refuseCopyData): MessageQueue<T> {
    if (this.#failure !== undefined) throw this.#failure;
    assert(this.#exchange === undefined, 'one exchange at a time');
    const queue = new MessageQueue(decode, {
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
    });
    this.#exchange = queue;
    this.send(command);
    return queue;
  }

  /** Ends the exchange: the server said that it is ready for the next command. */
  end(): void {
    this.#exchange = undefined;
  }

  get idle(): boolean {
    return this.#exchange === undefined && this.#failure === undefined;
  }

  /** Sends a message; on a dead connection nothing happens here, the reader is told. */
  send(message: Buffer): void {
    if (this.#failure === undefined) this.#socket.write(message);
  }

  /** Cuts the connection; whoever reads gets the error. */
  destroy(error: Error): void {
    this.#fail(error);
    this.#socket.destroy();
  }

  /** Cuts the connection when the signal aborts, until the returned function is called. */
  cutOnAbort(signal: AbortSignal): () => void {
    const onAbort = (): void => this.destroy(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    return () => signal.removeEventListener('abort', onAbort);
  }

  /** Says goodbye and closes; in the midst of an exchange it just cuts. Never throws. */
  async close(): Promise<void> {
    if (this.idle) {
      this.#socket.end(terminateMessage);
      this.#socket.resume();
    } else {
      this.#socket.destroy();
    }
    using _ = deadline(this.ctx.clock, closeTimeoutMs, () => this.#socket.destroy());
    await this.#closed;
  }

  message(type: number, body: Buffer): void {
    if (type === serverMessage.parameterStatus) this.parameters.set(...decodeParameterStatus(body));
    else if (type === serverMessage.notification) return;
    else if (this.#exchange !== undefined) this.#exchange.message(type, body);
    else this.#outsideExchange(type, body);
  }

  copyData(piece: Buffer, offset: number, length: number): void {
    if (this.#exchange === undefined) throw unexpectedAnswer('data that nobody asked for');
    this.#exchange.copyData(piece, offset, length);
  }

  #outsideExchange(type: number, body: Buffer): void {
    if (type === serverMessage.notice) return;
    if (type !== serverMessage.error) throw unexpectedAnswer('an answer that nobody asked for');
    this.#fail(serverError('keeping a connection to PostgreSQL', decodeNotice(body)));
  }

  #receive(chunk: Buffer): void {
    try {
      this.#framer.push(chunk);
      this.#exchange?.chunkDone();
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#exchange?.fail(this.#failure);
  }
}

function refuseCopyData(): never {
  throw unexpectedAnswer('copy data in answer to a simple command');
}

function connectionLost(cause?: Error): OperationError {
  return new OperationError('postgres-unreachable', 'the connection to the PostgreSQL server was cut', {
    hint: 'did the server stop, or does its log say why it ended this connection?',
    ...(cause === undefined ? {} : { cause }),
  });
}
