import { crc32 } from 'node:zlib';
import { toLsn, type Lsn } from '../../postgres/lsn.ts';
import { toSystemIdentifier, type SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { toTimelineId, type TimelineId } from '../../postgres/timeline.ts';
import { isWalSegmentBytes } from '../../postgres/walSegment.ts';

/** Which segment a spool file holds. */
export interface SpoolSegment {
  readonly systemIdentifier: SystemIdentifier;
  readonly timeline: TimelineId;
  /** First LSN of the segment. */
  readonly begin: Lsn;
  readonly segmentBytes: number;
}

/** What one sync of a spool file made durable: the first `filledBytes` of a segment. */
export interface SpoolRecord {
  readonly segment: SpoolSegment;
  readonly filledBytes: number;
  /** Rises by one from sync to sync. */
  readonly sequence: bigint;
  /** CRC-32 of those bytes. */
  readonly crc: number;
}

/**
 * A spool file begins with two places for a record, which are written in turn, so that a write torn by a power cut
 * spoils the newer one only; the segment's bytes follow. The file is used for one segment after the other and stays as
 * it is on the disk: a sync then costs the file system no change of its own books.
 */
export const recordPlaces = [0, 4096] as const;
export const spoolDataOffset = 8192;
export const spoolRecordBytes = 64;

const magic = Buffer.from('USTDYSPL', 'latin1');
const formatVersion = 1;
const checkedBytes = 60;

/** Little-endian; the last four bytes are the CRC-32 of the others. */
export function encodeSpoolRecord({ segment, filledBytes, sequence, crc }: SpoolRecord): Buffer {
  const bytes = Buffer.alloc(spoolRecordBytes);
  magic.copy(bytes);
  bytes.writeUInt16LE(formatVersion, 8);
  bytes.writeUInt32LE(segment.timeline, 12);
  bytes.writeBigUInt64LE(segment.systemIdentifier, 16);
  bytes.writeBigUInt64LE(segment.begin, 24);
  bytes.writeUInt32LE(segment.segmentBytes, 32);
  bytes.writeUInt32LE(filledBytes, 36);
  bytes.writeBigUInt64LE(sequence, 40);
  bytes.writeUInt32LE(crc, 48);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, checkedBytes)), checkedBytes);
  return bytes;
}

/** Undefined for anything that is not a whole record of this version. */
export function decodeSpoolRecord(bytes: Buffer): SpoolRecord | undefined {
  if (bytes.length < spoolRecordBytes || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  if (bytes.readUInt16LE(8) !== formatVersion) return undefined;
  if (crc32(bytes.subarray(0, checkedBytes)) !== bytes.readUInt32LE(checkedBytes)) return undefined;
  const segmentBytes = bytes.readUInt32LE(32);
  const filledBytes = bytes.readUInt32LE(36);
  if (!isWalSegmentBytes(segmentBytes) || filledBytes > segmentBytes) return undefined;
  return {
    segment: {
      systemIdentifier: toSystemIdentifier(bytes.readBigUInt64LE(16)),
      timeline: toTimelineId(bytes.readUInt32LE(12)),
      begin: toLsn(bytes.readBigUInt64LE(24)),
      segmentBytes,
    },
    filledBytes,
    sequence: bytes.readBigUInt64LE(40),
    crc: bytes.readUInt32LE(48),
  };
}
