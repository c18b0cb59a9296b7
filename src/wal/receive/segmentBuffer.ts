import { OperationError, assert } from '../../base/errors.ts';
import { addToLsn, formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { segmentNameAt, type WalSegmentName } from '../../postgres/walSegment.ts';
import type { SpoolSegment } from './spoolRecord.ts';

/** The memory of one segment while it arrives, and how much of it is safe where. Shared with the worker threads. */
export class SegmentBuffer {
  readonly segment: SpoolSegment;
  readonly memory: SharedArrayBuffer;
  /** Number of the spool file that belongs to this memory. */
  readonly file: number;
  /** Bytes from the beginning that have arrived. */
  filledBytes = 0;
  /** Bytes that are durable in the spool. */
  spooledBytes = 0;
  /** Bytes that are durable in the repository, as the unfinished version of the segment. */
  partialBytes = 0;
  /** The whole segment is durable in the repository. */
  archived = false;
  /**
   * False while the segment arrives from a backlog: the server has all of it, so it goes straight to the repository,
   * and nobody waits for a commit in it.
   */
  spooling = true;
  readonly #bytes: Buffer;

  constructor(segment: SpoolSegment, place: { readonly memory: SharedArrayBuffer; readonly file: number }) {
    assert(place.memory.byteLength === segment.segmentBytes, 'the memory of a segment has its size');
    this.segment = segment;
    this.memory = place.memory;
    this.file = place.file;
    this.#bytes = Buffer.from(this.memory);
  }

  get name(): WalSegmentName {
    return segmentNameAt(this.segment.timeline, this.segment.begin, this.segment.segmentBytes);
  }

  get isFull(): boolean {
    return this.filledBytes === this.segment.segmentBytes;
  }

  /** Position after the last byte that has arrived. */
  get position(): Lsn {
    return this.#at(this.filledBytes);
  }

  /** Everything of this segment before here is durable, here or there. */
  get durableLsn(): Lsn {
    return this.#at(this.archived ? this.segment.segmentBytes : Math.max(this.spooledBytes, this.partialBytes));
  }

  /** Everything of this segment before here is in the repository. */
  get archivedLsn(): Lsn {
    return this.#at(this.archived ? this.segment.segmentBytes : this.partialBytes);
  }

  /**
   * Takes as much of `payload`, which begins at `lsn`, as belongs to this segment, and returns how much that was. Bytes
   * that came before must come the same again: else the server has rewritten WAL that it had given out, and this throws
   * `wal-conflict`.
   */
  accept(lsn: Lsn, payload: Buffer): number {
    const offset = Number(lsn - this.segment.begin);
    assert(offset >= 0 && offset <= this.filledBytes, 'WAL arrives without gaps');
    const length = Math.min(payload.length, this.segment.segmentBytes - offset);
    const again = Math.min(length, this.filledBytes - offset);
    if (again > 0 && payload.compare(this.#bytes, offset, offset + again, 0, again) !== 0) throw this.#rewritten();
    payload.copy(this.#bytes, offset + again, again, length);
    this.filledBytes = Math.max(this.filledBytes, offset + length);
    return length;
  }

  #at(bytes: number): Lsn {
    return addToLsn(this.segment.begin, BigInt(bytes));
  }

  #rewritten(): OperationError {
    const { name } = this;
    const message = `the server now has other WAL in ${name} than it sent before`;
    return new OperationError('wal-conflict', `${message}, somewhere before ${formatLsn(this.position)}`, {
      hint:
        'did the server lose its last writes in a crash (fsync off, a disk that lies), or was it put back to an older ' +
        'state? commits may be lost on it: compare it with a restore, then remove the spool directory and take a new backup',
      detail: { name, receivedUntil: formatLsn(this.position) },
    });
  }
}
