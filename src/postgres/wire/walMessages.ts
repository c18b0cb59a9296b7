import { type Lsn, toLsn } from '../lsn.ts';
import { encodeCopyData, unexpectedAnswer } from './messages.ts';

/** A run of WAL bytes: a whole message of the server, or as much of one as one read of the socket brought. */
export interface WalChunk {
  /** Position of the first byte of `payload`. */
  readonly walStart: Lsn;
  /** Where the server's WAL ended when it sent this. */
  readonly walEnd: Lsn;
  readonly serverTime: Date;
  /** A view that is valid until the next batch is asked for: copy what must stay. */
  readonly payload: Buffer;
}

export interface Keepalive {
  readonly walEnd: Lsn;
  readonly serverTime: Date;
  readonly replyRequested: boolean;
}

/** What a receiver reports; each position is the byte after the last one. */
export interface WalStatus {
  readonly writtenLsn: Lsn;
  readonly flushedLsn: Lsn;
  readonly appliedLsn: Lsn;
  /** Ask the server to answer at once. Default false. */
  readonly replyRequested?: boolean;
}

const walData = 0x77; // w
const keepalive = 0x6b; // k
const walDataHeadBytes = 25;
const keepaliveBytes = 18;
const postgresEpochMs = Date.UTC(2000, 0, 1);

/** Decodes the CopyData messages of a physical replication stream from the pieces in which they arrive. */
export class WalMessageDecoder {
  readonly #onKeepalive: (message: Keepalive) => void;
  readonly #head = Buffer.alloc(walDataHeadBytes);
  #filled = 0;
  #headBytes = 0;
  #start = 0n;
  #walEnd = toLsn(0n);
  #serverTime = new Date(0);

  constructor(onKeepalive: (message: Keepalive) => void) {
    this.#onKeepalive = onKeepalive;
  }

  /** Returns the WAL in this piece, if any. Throws `postgres-protocol`. */
  decode(piece: Buffer, offset: number, length: number): WalChunk | undefined {
    if (offset === 0) this.#beginMessage(piece, length);
    let at = 0;
    if (this.#filled < this.#headBytes) {
      at = piece.copy(this.#head, this.#filled, 0, this.#headBytes - this.#filled);
      this.#filled += at;
      if (this.#filled < this.#headBytes) return undefined;
      this.#readHead();
    }
    if (at === piece.length) return undefined;
    return {
      walStart: toLsn(this.#start + BigInt(offset + at - walDataHeadBytes)),
      walEnd: this.#walEnd,
      serverTime: this.#serverTime,
      payload: at === 0 ? piece : piece.subarray(at),
    };
  }

  #beginMessage(piece: Buffer, length: number): void {
    this.#filled = 0;
    this.#headBytes = piece[0] === walData ? walDataHeadBytes : keepaliveBytes;
    const known =
      piece[0] === walData ? length >= walDataHeadBytes : piece[0] === keepalive && length === keepaliveBytes;
    if (!known) throw unexpectedAnswer('a replication message of an unknown kind');
  }

  #readHead(): void {
    if (this.#head[0] === walData) {
      this.#start = this.#head.readBigUInt64BE(1);
      this.#walEnd = toLsn(this.#head.readBigUInt64BE(9));
      this.#serverTime = readTime(this.#head, 17);
    } else {
      this.#onKeepalive({
        walEnd: toLsn(this.#head.readBigUInt64BE(1)),
        serverTime: readTime(this.#head, 9),
        replyRequested: this.#head[17] === 1,
      });
    }
  }
}

/** The `Standby status update` message, ready to send. */
export function encodeStatus(status: WalStatus, now: Date): Buffer {
  const body = Buffer.alloc(34);
  body[0] = 0x72; // r
  body.writeBigUInt64BE(status.writtenLsn, 1);
  body.writeBigUInt64BE(status.flushedLsn, 9);
  body.writeBigUInt64BE(status.appliedLsn, 17);
  body.writeBigInt64BE(BigInt(now.getTime() - postgresEpochMs) * 1000n, 25);
  body[33] = status.replyRequested === true ? 1 : 0;
  return encodeCopyData(body);
}

function readTime(bytes: Buffer, offset: number): Date {
  return new Date(postgresEpochMs + Number(bytes.readBigInt64BE(offset) / 1000n));
}
