import { OperationError, assert } from '../base/errors.ts';
import { toLsn, type Lsn } from './lsn.ts';
import { formatTimelineHex, timelineAt, toTimelineId, type TimelineAncestry, type TimelineId } from './timeline.ts';

declare const segmentNameBrand: unique symbol;

/**
 * 24 upper-case hexadecimal digits: timeline, high part and low part of the segment number, eight each. The low part
 * wraps at 4 GiB / segment size, so a name says where its WAL lies only together with the segment size.
 */
export type WalSegmentName = string & { readonly [segmentNameBrand]: true };

export interface WalSegment {
  readonly timeline: TimelineId;
  /** First LSN divided by the segment size. */
  readonly number: bigint;
}

/** `begin` inclusive, `end` exclusive. */
export interface LsnRange {
  readonly begin: Lsn;
  readonly end: Lsn;
}

export const defaultWalSegmentBytes = 16 * 1024 * 1024;

const minSegmentBytes = 1024 * 1024;
const maxSegmentBytes = 1024 * 1024 * 1024;
const bytesPerHighPart = 0x1_0000_0000n;
const namePattern = /^[0-9A-F]{24}$/;

/** True for the powers of two from 1 MiB to 1 GiB, the sizes that initdb --wal-segsize allows. */
export function isWalSegmentBytes(sizeBytes: number): boolean {
  return sizeBytes >= minSegmentBytes && sizeBytes <= maxSegmentBytes && Number.isInteger(Math.log2(sizeBytes));
}

/** True for the shape of a segment's name; timeline 0 does not exist. */
export function isWalSegmentName(text: string): text is WalSegmentName {
  return namePattern.test(text) && !text.startsWith('00000000');
}

/** Timeline of a segment name, which needs no segment size. */
export function timelineOfSegmentName(name: WalSegmentName): TimelineId {
  return toTimelineId(Number.parseInt(name.slice(0, 8), 16));
}

/** Reads a name. Throws `wal-invalid` when its low part cannot exist with this segment size. */
export function parseWalSegmentName(name: WalSegmentName, segmentBytes: number): WalSegment {
  const perHighPart = segmentsPerHighPart(segmentBytes);
  const high = BigInt(`0x${name.slice(8, 16)}`);
  const low = BigInt(`0x${name.slice(16)}`);
  if (low >= perHighPart) {
    throw new OperationError(
      'wal-invalid',
      `${name} is not a WAL segment of a cluster with ${segmentBytes} byte segments`,
      {
        hint: 'is the segment size of this cluster (SHOW wal_segment_size) another one?',
        detail: { name, segmentBytes },
      },
    );
  }
  return { timeline: timelineOfSegmentName(name), number: high * perHighPart + low };
}

/** The name of a segment. */
export function formatWalSegmentName(segment: WalSegment, segmentBytes: number): WalSegmentName {
  const perHighPart = segmentsPerHighPart(segmentBytes);
  const high = hex8(segment.number / perHighPart);
  const low = hex8(segment.number % perHighPart);
  assert(high.length === 8, 'a WAL segment lies within 64 bits');
  return `${formatTimelineHex(segment.timeline)}${high}${low}` as WalSegmentName;
}

/** Number of the segment that holds the byte at `lsn`. */
export function segmentNumberAt(lsn: Lsn, segmentBytes: number): bigint {
  return lsn / BigInt(segmentBytes);
}

/** Name of the segment that holds the byte at `lsn`. */
export function segmentNameAt(timeline: TimelineId, lsn: Lsn, segmentBytes: number): WalSegmentName {
  return formatWalSegmentName({ timeline, number: segmentNumberAt(lsn, segmentBytes) }, segmentBytes);
}

/** The WAL that a segment holds. */
export function segmentRange(name: WalSegmentName, segmentBytes: number): LsnRange {
  const { number } = parseWalSegmentName(name, segmentBytes);
  const begin = number * BigInt(segmentBytes);
  return { begin: toLsn(begin), end: toLsn(begin + BigInt(segmentBytes)) };
}

/** The segment after this one on the same timeline. */
export function nextSegmentName(name: WalSegmentName, segmentBytes: number): WalSegmentName {
  const { timeline, number } = parseWalSegmentName(name, segmentBytes);
  return formatWalSegmentName({ timeline, number: number + 1n }, segmentBytes);
}

/** Numbers of the segments that hold any byte of the range, in order. An empty range has none. */
export function* segmentNumbersCovering(range: LsnRange, segmentBytes: number): Generator<bigint> {
  if (range.end <= range.begin) return;
  const last = segmentNumberAt(toLsn(range.end - 1n), segmentBytes);
  for (let number = segmentNumberAt(range.begin, segmentBytes); number <= last; number++) yield number;
}

/**
 * Names of the segments from which recovery along this ancestry takes the range, in order. The segment that holds a
 * switch point comes from the new timeline, whose file begins with a copy of the old one's WAL.
 */
export function* segmentNamesAlong(
  ancestry: TimelineAncestry,
  range: LsnRange,
  segmentBytes: number,
): Generator<WalSegmentName> {
  for (const number of segmentNumbersCovering(range, segmentBytes)) {
    const lastByte = toLsn((number + 1n) * BigInt(segmentBytes) - 1n);
    yield formatWalSegmentName({ timeline: timelineAt(ancestry, lastByte).timeline, number }, segmentBytes);
  }
}

function segmentsPerHighPart(segmentBytes: number): bigint {
  assert(isWalSegmentBytes(segmentBytes), 'a WAL segment size is a power of two from 1 MiB to 1 GiB');
  return bytesPerHighPart / BigInt(segmentBytes);
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
