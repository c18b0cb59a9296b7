import { assert } from '../../base/errors.ts';
import type { FrameHandler } from './framer.ts';

/** Turns a piece of CopyData into what the reader wants, or undefined when there is nothing to hand on (yet). */
export type CopyDecoder<T> = (piece: Buffer, offset: number, length: number) => T | undefined;

/** What the reader gets: everything copied since the last call in one batch, or one other message. */
export type Received<T> =
  | { readonly kind: 'copy'; readonly items: readonly T[] }
  | { readonly kind: 'message'; readonly type: number; readonly body: Buffer };

export interface Flow {
  pause(): void;
  resume(): void;
}

const highWaterBytes = 1024 * 1024;

/**
 * From the socket, which pushes, to one reader, which pulls. One wait per batch instead of one per message;
 * the socket stands still while more than 1 MiB waits for the reader.
 */
export class MessageQueue<T> implements FrameHandler {
  readonly #decode: CopyDecoder<T>;
  readonly #flow: Flow;
  #waiting: Received<T>[] = [];
  #batch: T[] | undefined;
  #bytes = 0;
  #paused = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(decode: CopyDecoder<T>, flow: Flow) {
    this.#decode = decode;
    this.#flow = flow;
  }

  /** True while the server is kept waiting because the reader is busy. */
  get paused(): boolean {
    return this.#paused;
  }

  message(type: number, body: Buffer): void {
    this.#batch = undefined;
    this.#waiting.push({ kind: 'message', type, body });
  }

  copyData(piece: Buffer, offset: number, length: number): void {
    const item = this.#decode(piece, offset, length);
    if (item === undefined) return;
    this.#bytes += piece.length;
    if (this.#batch === undefined) {
      this.#batch = [];
      this.#waiting.push({ kind: 'copy', items: this.#batch });
    }
    this.#batch.push(item);
  }

  /** To be called after each chunk of the socket: wakes the reader, or stops the socket. */
  chunkDone(): void {
    if (this.#waiting.length > 0) this.#wakeReader();
    if (this.#bytes >= highWaterBytes && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
  }

  /** The connection is gone. What came before is still delivered, then `next` throws the failure. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wakeReader();
  }

  /** The next message or batch. Only one call at a time. Throws what `fail` was given when nothing is left. */
  async next(): Promise<Received<T>> {
    assert(this.#wake === undefined, 'one reader at a time');
    while (this.#waiting.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const received = this.#waiting.shift();
    assert(received !== undefined, 'something waits');
    if (received.kind === 'copy') {
      this.#batch = undefined;
      this.#bytes = 0;
    }
    return received;
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
