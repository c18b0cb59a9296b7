import { OperationError } from '../base/errors.ts';
import { formatLsn, toLsn, type Lsn } from './lsn.ts';
import { toSystemIdentifier, type SystemIdentifier } from './systemIdentifier.ts';
import { majorOfWalPageMagic, type PostgresMajor } from './version.ts';
import { isWalSegmentBytes, segmentRange, timelineOfSegmentName, type WalSegmentName } from './walSegment.ts';

/**
 * Headers of WAL pages (access/xlog_internal.h), little-endian, the same in 13 to 18. Every page:
 *   0 magic u16   2 flags u16   4 timeline u32   8 page address u64   16 bytes left of a split record u32   20 pad
 * and on a segment's first page in addition:
 *  24 system identifier u64   32 segment size u32   36 WAL block size u32
 */
export interface WalPageHeader {
  readonly magic: number;
  readonly flags: number;
  /** Not branded: a damaged header may hold anything. */
  readonly timeline: number;
  readonly address: Lsn;
  readonly remainingBytes: number;
  /** Only where the flags say that the header is long. */
  readonly segment: WalSegmentHeader | undefined;
}

export interface WalSegmentHeader {
  readonly systemIdentifier: SystemIdentifier;
  readonly segmentBytes: number;
  readonly blockBytes: number;
}

export const shortHeaderBytes = 24;
export const longHeaderBytes = 40;

/** Flag bits: the page begins in the middle of a record; has a long header; its record overwrites an aborted one. */
export const walPageFlags = {
  firstIsContRecord: 0x01,
  longHeader: 0x02,
  backupRemovable: 0x04,
  overwriteContRecord: 0x08,
};

const knownFlags = 0x0f;

/** What a segment must be. Where a field is absent it is not checked. */
export interface ExpectedWalSegment {
  readonly name: WalSegmentName;
  readonly systemIdentifier?: SystemIdentifier;
  readonly segmentBytes?: number;
  readonly major?: PostgresMajor;
}

/** What a segment's first page says about it. */
export interface WalSegmentFacts extends WalSegmentHeader {
  readonly major: PostgresMajor;
}

/** Reads the page header at the beginning of `bytes`, believing everything; undefined when the bytes end inside it. */
export function parseWalPageHeader(bytes: Uint8Array): WalPageHeader | undefined {
  if (bytes.byteLength < shortHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2, true);
  const long = (flags & walPageFlags.longHeader) !== 0;
  if (long && bytes.byteLength < longHeaderBytes) return undefined;
  return {
    magic: view.getUint16(0, true),
    flags,
    timeline: view.getUint32(4, true),
    address: toLsn(view.getBigUint64(8, true)),
    remainingBytes: view.getUint32(16, true),
    segment: long
      ? {
          systemIdentifier: toSystemIdentifier(view.getBigUint64(24, true)),
          segmentBytes: view.getUint32(32, true),
          blockBytes: view.getUint32(36, true),
        }
      : undefined,
  };
}

/**
 * Checks that `bytes` is the whole segment that `expected.name` says, by its length and its first page. Pages behind a
 * segment switch are legally empty, so the others prove nothing. Throws `wal-invalid`, or `cluster-mismatch` when the
 * segment is sound and belongs to another cluster.
 */
export function checkWalSegment(bytes: Uint8Array, expected: ExpectedWalSegment): WalSegmentFacts {
  const facts = checkWalSegmentHead(bytes, expected);
  if (facts.segmentBytes !== bytes.byteLength) {
    const message = `is ${bytes.byteLength} bytes long instead of ${facts.segmentBytes}`;
    throw invalid(expected.name, message, 'was the file cut off while it was copied?');
  }
  return facts;
}

/** As `checkWalSegment` for the first bytes of a segment (at least 40) of which more is still to come. */
export function checkWalSegmentHead(head: Uint8Array, expected: ExpectedWalSegment): WalSegmentFacts {
  const header = parseWalPageHeader(head);
  const facts = checkFirstPage(header, expected);
  checkOwner(facts, expected);
  checkPlace(header as WalPageHeader, facts, expected);
  return facts;
}

function checkFirstPage(header: WalPageHeader | undefined, { name }: ExpectedWalSegment): WalSegmentFacts {
  const notWal = 'is this a WAL segment of PostgreSQL 13 to 18, neither compressed nor encrypted?';
  if (header === undefined) throw invalid(name, 'is shorter than a page header', notWal);
  const major = majorOfWalPageMagic(header.magic);
  if (major === undefined) {
    throw invalid(name, `begins with the unknown magic number ${header.magic.toString(16).toUpperCase()}`, notWal);
  }
  const { segment } = header;
  if (segment === undefined || (header.flags & ~knownFlags) !== 0) {
    throw invalid(name, `has impossible page flags ${header.flags.toString(16)}`, 'is the file damaged?');
  }
  if (!isWalSegmentBytes(segment.segmentBytes)) {
    throw invalid(name, `claims a segment size of ${segment.segmentBytes} bytes`, 'is the file damaged?');
  }
  return { ...segment, major };
}

/** A segment that begins with a copy of its parent timeline's WAL names the parent on its first page. */
function checkPlace(header: WalPageHeader, facts: WalSegmentFacts, expected: ExpectedWalSegment): void {
  const { name } = expected;
  if (expected.segmentBytes !== undefined && expected.segmentBytes !== facts.segmentBytes) {
    const message = `is of a cluster with ${facts.segmentBytes} byte segments instead of ${expected.segmentBytes}`;
    throw invalid(name, message, 'did initdb or pg_resetwal change wal_segment_size? then take a new base backup');
  }
  const { begin } = segmentRange(name, facts.segmentBytes);
  if (header.address !== begin) {
    const message = `holds the WAL from ${formatLsn(header.address)} instead of ${formatLsn(begin)}`;
    throw invalid(name, message, 'was the file renamed, or recycled and not yet written?');
  }
  if (header.timeline < 1 || header.timeline > timelineOfSegmentName(name)) {
    throw invalid(name, `was written on timeline ${header.timeline}`, 'was the file renamed?');
  }
}

function checkOwner(facts: WalSegmentFacts, expected: ExpectedWalSegment): void {
  const { systemIdentifier, major, name } = expected;
  if (systemIdentifier !== undefined && systemIdentifier !== facts.systemIdentifier) {
    const message = `WAL segment ${name} belongs to cluster ${facts.systemIdentifier} and not to ${systemIdentifier}`;
    throw new OperationError('cluster-mismatch', message, {
      hint: 'do two clusters archive under one name, or was this one created anew (initdb, pg_upgrade)?',
      detail: { name, found: String(facts.systemIdentifier), expected: String(systemIdentifier) },
    });
  }
  if (major !== undefined && major !== facts.major) {
    const message = `WAL segment ${name} is of PostgreSQL ${facts.major} and not of ${major}`;
    throw new OperationError('cluster-mismatch', message, {
      hint: 'was the cluster upgraded? then take a new base backup',
      detail: { name, found: facts.major, expected: major },
    });
  }
}

function invalid(name: WalSegmentName, message: string, hint: string): OperationError {
  return new OperationError('wal-invalid', `WAL segment ${name} ${message}`, { hint, detail: { name } });
}
