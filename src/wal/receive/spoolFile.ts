import { closeSync, constants, fdatasync, fstatSync, fsyncSync, openSync, readSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { syncDirectory, writeAllSync, writePieceBytes } from '../../base/atomicFile.ts';
import { systemErrorCode } from '../../base/errors.ts';
import {
  decodeSpoolRecord,
  encodeSpoolRecord,
  recordPlaces,
  spoolDataOffset,
  spoolRecordBytes,
  type SpoolRecord,
  type SpoolSegment,
} from './spoolRecord.ts';

/** Bytes of a segment that are to become durable: those from `from` to `to` of its memory. */
export interface SpoolAppend {
  readonly segment: SpoolSegment;
  readonly memory: SharedArrayBuffer;
  readonly from: number;
  readonly to: number;
}

/** What a spool file was found to hold. */
export interface SpooledSegment {
  readonly segment: SpoolSegment;
  readonly memory: SharedArrayBuffer;
  readonly filledBytes: number;
}

const fdatasyncAsync = promisify(fdatasync);
const writeAsync = promisify(write);
/** As much is copied into the page cache sooner than another thread is woken for it. */
const atOnceBytes = 64 * 1024;

/**
 * One file of the spool, see spoolRecord.ts. Waiting for the disk is left to Node's thread pool. One call at a time.
 * Throws Node's system errors; an append that threw may be repeated.
 */
export class SpoolFile {
  readonly #path: string;
  #fd: number | undefined;
  #sequence = 0n;
  #crc = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads what the last sync left; undefined when that is nothing. */
  load(): SpooledSegment | undefined {
    const fd = this.#openExisting();
    if (fd === undefined) return undefined;
    const records = recordPlaces
      .map((place) => readRecord(fd, place))
      .filter((record) => record !== undefined)
      .sort((one, other) => (one.sequence < other.sequence ? 1 : -1));
    this.#sequence = records[0]?.sequence ?? 0n;
    for (const record of records) {
      const memory = readContent(fd, record);
      if (memory === undefined) continue;
      this.#crc = record.crc;
      return { segment: record.segment, filledBytes: record.filledBytes, memory };
    }
    return undefined;
  }

  /** Makes the bytes durable; those before `from` already are. */
  async append({ segment, memory, from, to }: SpoolAppend): Promise<void> {
    const fd = (this.#fd ??= this.#create());
    const bytes = Buffer.from(memory, from, to - from);
    const crc = crc32(bytes, from === 0 ? 0 : this.#crc);
    const sequence = this.#sequence + 1n;
    await writeAll(fd, bytes, spoolDataOffset + from);
    const record = encodeSpoolRecord({ segment, filledBytes: to, sequence, crc });
    writeAllSync(fd, record, recordPlaces[Number(sequence % 2n)]);
    await fdatasyncAsync(fd);
    this.#sequence = sequence;
    this.#crc = crc;
  }

  /** Forgets the content: it is in the archive. Not synced: to archive it once more would do no harm. */
  clear(): void {
    if (this.#fd === undefined) return;
    for (const place of recordPlaces) writeSync(this.#fd, Buffer.alloc(spoolRecordBytes), 0, spoolRecordBytes, place);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #openExisting(): number | undefined {
    try {
      this.#fd = openSync(this.#path, constants.O_RDWR);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
    return this.#fd;
  }

  #create(): number {
    const fd = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      fsyncSync(fd);
      syncDirectory(dirname(this.#path));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  }
}

async function writeAll(fd: number, bytes: Buffer, position: number): Promise<void> {
  if (bytes.length <= atOnceBytes) {
    writeAllSync(fd, bytes, position);
    return;
  }
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(writePieceBytes, bytes.length - done);
    done += (await writeAsync(fd, bytes, done, length, position + done)).bytesWritten;
  }
}

function readRecord(fd: number, place: number): SpoolRecord | undefined {
  const bytes = Buffer.alloc(spoolRecordBytes);
  return readSync(fd, bytes, 0, spoolRecordBytes, place) === spoolRecordBytes ? decodeSpoolRecord(bytes) : undefined;
}

/** The segment's memory with what the record vouches for; undefined when the file holds something else. */
function readContent(fd: number, { segment, filledBytes, crc }: SpoolRecord): SharedArrayBuffer | undefined {
  if (fstatSync(fd).size < spoolDataOffset + filledBytes) return undefined;
  const memory = new SharedArrayBuffer(segment.segmentBytes);
  const bytes = Buffer.from(memory, 0, filledBytes);
  for (let done = 0; done < filledBytes;) {
    const length = readSync(fd, bytes, done, filledBytes - done, spoolDataOffset + done);
    if (length === 0) return undefined;
    done += length;
  }
  return crc32(bytes) === crc ? memory : undefined;
}
