import { crc32c } from './crc32c.ts';
import { toLsn, type Lsn } from './lsn.ts';
import { majorOfWalPageMagic } from './version.ts';
import { parseWalPageHeader, shortHeaderBytes, longHeaderBytes, walPageFlags, type WalPageHeader } from './walPage.ts';

/** One record (access/xlogrecord.h), its CRC and its link to the record before it checked. */
export interface WalRecord {
  /** Where it begins: what pg_waldump calls its lsn. */
  readonly begin: Lsn;
  /** Where the next one begins, unless a page begins there: behind a segment switch the next segment. */
  readonly end: Lsn;
  /** Header and all, in one piece. */
  readonly bytes: Buffer;
}

const pageBytes = 8192;
const recordHeaderBytes = 24;
const maxRecordBytes = 1020 * 1024 * 1024;
const alignment = 8;

/** A record of which the rest is still to come. */
interface OpenRecord {
  readonly begin: Lsn;
  readonly parts: Buffer[];
  readonly sizeBytes: number;
  gotBytes: number;
}

/**
 * Reads the records of consecutive WAL segments (or of the beginning of one). It begins with the first record that
 * begins there, and ends for good at the first byte that does not continue the log: zeros, a recycled page, a torn
 * record.
 */
export class WalReader {
  #next: Lsn | undefined;
  #open: OpenRecord | undefined;
  #previous: Lsn | undefined;
  #ended = false;

  /** True when the log ended inside what was read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The records that end in this segment. `begin` is the LSN of its first byte; a jump starts anew. */
  *read(segment: Buffer, begin: Lsn): Generator<WalRecord> {
    if (this.#next !== begin) this.#restart();
    this.#next = toLsn(begin + BigInt(segment.length));
    for (let at = 0; at < segment.length && !this.#ended; at += pageBytes) {
      const page = segment.subarray(at, at + pageBytes);
      const address = toLsn(begin + BigInt(at));
      for (const record of this.#readPage(page, address)) {
        if (isSegmentSwitch(record.bytes)) {
          const { segmentBytes } = parseWalPageHeader(segment)?.segment ?? { segmentBytes: segment.length };
          yield { ...record, end: toLsn(begin + BigInt(segmentBytes)) };
          return;
        }
        yield record;
      }
    }
  }

  #restart(): void {
    this.#open = undefined;
    this.#previous = undefined;
    this.#ended = false;
  }

  *#readPage(page: Buffer, address: Lsn): Generator<WalRecord> {
    const header = parseWalPageHeader(page);
    if (header === undefined || header.address !== address || majorOfWalPageMagic(header.magic) === undefined) {
      this.#ended = true;
      return;
    }
    let at = this.#continueRecord(header, page);
    if (at < 0) return;
    const closed = this.#closeRecord(toLsn(address + BigInt(at)));
    if (closed !== undefined) yield closed;
    for (at = align(at); at + 4 <= page.length && !this.#ended && this.#open === undefined;) {
      const sizeBytes = page.readUInt32LE(at);
      if (sizeBytes < recordHeaderBytes || sizeBytes > maxRecordBytes) {
        this.#ended = true;
        return;
      }
      const part = page.subarray(at, at + sizeBytes);
      this.#open = { begin: toLsn(address + BigInt(at)), parts: [part], sizeBytes, gotBytes: part.length };
      at = align(at + part.length);
      const record = this.#closeRecord(toLsn(address + BigInt(at)));
      if (record !== undefined) yield record;
    }
  }

  /**
   * Takes what the page holds of a record that began before it; returns where the next begins, -1 when on a later page.
   */
  #continueRecord(header: WalPageHeader, page: Buffer): number {
    const at = header.segment === undefined ? shortHeaderBytes : longHeaderBytes;
    if ((header.flags & walPageFlags.overwriteContRecord) !== 0) {
      this.#open = undefined;
      this.#previous = undefined;
      return at;
    }
    const continues = (header.flags & walPageFlags.firstIsContRecord) !== 0;
    const open = this.#open;
    if (open === undefined) return continues ? this.#skip(header, page, at) : at;
    if (!continues || header.remainingBytes !== open.sizeBytes - open.gotBytes) {
      this.#ended = true;
      return -1;
    }
    const part = page.subarray(at, at + header.remainingBytes);
    open.parts.push(part);
    open.gotBytes += part.length;
    return open.gotBytes === open.sizeBytes ? at + part.length : -1;
  }

  /** The record began before all that we read. */
  #skip({ remainingBytes }: WalPageHeader, page: Buffer, at: number): number {
    return at + remainingBytes < page.length ? at + remainingBytes : -1;
  }

  /** The open record, once it is whole and sound. */
  #closeRecord(end: Lsn): WalRecord | undefined {
    const open = this.#open;
    if (open === undefined || open.gotBytes < open.sizeBytes) return undefined;
    const bytes = open.parts.length === 1 ? open.parts[0]! : Buffer.concat(open.parts);
    this.#open = undefined;
    const linked = this.#previous === undefined || bytes.readBigUInt64LE(8) === this.#previous;
    const crc = crc32c(bytes.subarray(0, 20), crc32c(bytes.subarray(recordHeaderBytes)));
    if (!linked || crc !== bytes.readUInt32LE(20)) {
      this.#ended = true;
      return undefined;
    }
    this.#previous = open.begin;
    return { begin: open.begin, end: toLsn(BigInt(align(Number(end & 7n))) + (end & ~7n)), bytes };
  }
}

/** The rest of the segment behind such a record is padding, which need not even be zeros. */
function isSegmentSwitch(record: Buffer): boolean {
  return record[17] === 0 && (record[16]! & 0xf0) === 0x40;
}

function align(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
