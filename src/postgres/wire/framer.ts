import { OperationError } from '../../base/errors.ts';

/** Receives what the server sent, in order, synchronously. Buffers are views into the chunk that was pushed. */
export interface FrameHandler {
  /** A complete message other than CopyData. */
  message(type: number, body: Buffer): void;
  /** A piece of a CopyData message of `length` bytes; its first byte is byte `offset` of the message's body. */
  copyData(piece: Buffer, offset: number, length: number): void;
}

const headerBytes = 5;
const copyDataType = 0x64;
const maxBufferedBytes = 64 * 1024 * 1024;

/**
 * Splits the server's byte stream into messages. CopyData is handed on piece by piece, without copying and without
 * waiting for its end; every other message is small and is handed on whole.
 */
export class Framer {
  readonly #handler: FrameHandler;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #length = 0;
  #received = 0;
  #collected: Buffer | undefined;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Throws `postgres-protocol` when the bytes are no messages; the framer is of no use afterwards. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFilled < headerBytes) {
        at = this.#readHeader(chunk, at);
        if (this.#headerFilled < headerBytes) return;
        if (this.#length > 0) continue;
      }
      at = this.#readBody(chunk, at);
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + headerBytes - this.#headerFilled);
    chunk.copy(this.#header, this.#headerFilled, at, end);
    this.#headerFilled += end - at;
    if (this.#headerFilled === headerBytes) {
      this.#length = this.#header.readInt32BE(1) - 4;
      this.#received = 0;
      const limit = this.#header[0] === copyDataType ? Number.MAX_SAFE_INTEGER : maxBufferedBytes;
      if (this.#length < 0 || this.#length > limit) {
        throw new OperationError('postgres-protocol', 'the PostgreSQL server sent a message of an impossible length');
      }
    }
    return end;
  }

  #readBody(chunk: Buffer, at: number): number {
    const type = this.#header[0] ?? 0;
    const end = Math.min(chunk.length, at + this.#length - this.#received);
    const piece = chunk.subarray(at, end);
    const offset = this.#received;
    this.#received += piece.length;
    const complete = this.#received === this.#length;
    if (complete) this.#headerFilled = 0;
    if (type === copyDataType) {
      this.#handler.copyData(piece, offset, this.#length);
    } else if (complete && offset === 0) {
      this.#handler.message(type, piece);
    } else {
      this.#collected ??= Buffer.allocUnsafe(this.#length);
      piece.copy(this.#collected, offset);
      if (complete) {
        const whole = this.#collected;
        this.#collected = undefined;
        this.#handler.message(type, whole);
      }
    }
    return end;
  }
}
