import { systemClock, type Clock } from '../base/clock.ts';
import { OperationError, assert } from '../base/errors.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { parseTimelineHistory } from '../postgres/timeline.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import { checkWalSegment, checkWalSegmentHead, type WalSegmentFacts } from '../postgres/walPage.ts';
import { parseWalSegmentName, timelineOfSegmentName, type WalSegmentName } from '../postgres/walSegment.ts';
import type { ObjectSealer } from '../repository/sealedObject.ts';
import {
  damagedWalObject,
  decodeWalHeader,
  encodeWalHeader,
  walHeaderBytes,
  type WalObjectHeader,
} from './walHeader.ts';
import { walFileNameText, walObjectName } from './walObjectName.ts';

/** A file ready to be stored. */
export interface SealedWalFile {
  readonly objectName: string;
  readonly header: WalObjectHeader;
  /** Belongs to the sealer: valid until it seals the next one. */
  readonly sealed: Buffer;
}

/** A file out of the archive, everything about it checked. */
export interface ArchivedWalFile {
  readonly header: WalObjectHeader;
  readonly content: Buffer;
}

/** How the files of one cluster become objects and come back. Synchronous; one per thread. */
export interface WalObjectCodec {
  readonly sealer: ObjectSealer;
  readonly systemIdentifier: SystemIdentifier;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'>;
}

/**
 * Checks that `content` is the file that its name says, and seals it.
 * Throws `wal-invalid`, or `cluster-mismatch` for WAL of another cluster.
 */
export function sealWalFile(codec: WalObjectCodec, file: WalFileName, content: Uint8Array): SealedWalFile {
  const described = describeContent(codec.systemIdentifier, file, content);
  const storedAt = (codec.clock ?? systemClock).now();
  const header = { ...described, contentBytes: content.byteLength, storedAt };
  const sealed = codec.sealer.sealCompressed(encodeWalHeader(header), content);
  return { objectName: walObjectName(codec.systemIdentifier, file), header, sealed };
}

/**
 * Opens the object that was stored for `file`, checking its tag, that its header is that of this file, length, checksum
 * and, for WAL, the first page. `target` receives the content when it is long enough; else new memory does.
 * Throws `repository-damaged`, `repository-unsupported`, `wal-invalid`, `cluster-mismatch`.
 */
export function openWalFile(
  codec: WalObjectCodec,
  file: WalFileName,
  { sealed, target }: { readonly sealed: Buffer; readonly target?: Buffer },
): ArchivedWalFile {
  const object = walObjectName(codec.systemIdentifier, file);
  const plain = openSealed(codec.sealer, sealed, object);
  const header = decodeWalHeader(plain, object);
  checkIdentity(codec.systemIdentifier, file, header);
  const room = target !== undefined && target.length >= header.contentBytes ? target : undefined;
  const content = room?.subarray(0, header.contentBytes) ?? Buffer.allocUnsafe(header.contentBytes);
  codec.sealer.decompress(plain.subarray(walHeaderBytes), content);
  const described = describeContent(codec.systemIdentifier, file, content);
  if (described.segmentBytes !== header.segmentBytes || described.major !== header.major) {
    throw damagedWalObject(object, 'its content is not what its header says');
  }
  return { header, content };
}

function openSealed(sealer: ObjectSealer, sealed: Buffer, object: string): Buffer {
  try {
    return sealer.open(sealed);
  } catch (cause) {
    throw new OperationError('repository-damaged', `${object} is damaged: its authentication tag does not match`, {
      hint: 'the object was truncated or changed, or the key is that of another repository',
      detail: { object },
      cause,
    });
  }
}

function describeContent(
  systemIdentifier: SystemIdentifier,
  file: WalFileName,
  content: Uint8Array,
): Omit<WalObjectHeader, 'contentBytes' | 'storedAt'> {
  if (file.kind === 'segment' || file.kind === 'partial') {
    const facts = checkWal(systemIdentifier, file, content);
    const { timeline, number } = parseWalSegmentName(file.segment, facts.segmentBytes);
    const { major, segmentBytes } = facts;
    return { kind: file.kind, systemIdentifier, major, timeline, segmentNumber: number, segmentBytes, backupOffset: 0 };
  }
  const common = { systemIdentifier, major: 0, segmentBytes: 0, kind: file.kind };
  if (file.kind === 'history') {
    parseTimelineHistory(file.timeline, Buffer.from(content).toString('utf8'));
    return { ...common, timeline: file.timeline, segmentNumber: 0n, backupOffset: 0 };
  }
  const timeline = timelineOfSegmentName(file.segment);
  return { ...common, timeline, segmentNumber: placeInName(file.segment), backupOffset: file.offsetBytes };
}

function checkWal(
  systemIdentifier: SystemIdentifier,
  file: { readonly kind: 'segment' | 'partial'; readonly segment: WalSegmentName },
  content: Uint8Array,
): WalSegmentFacts {
  const expected = { name: file.segment, systemIdentifier };
  if (file.kind === 'segment') return checkWalSegment(content, expected);
  const facts = checkWalSegmentHead(content, expected);
  if (content.byteLength > facts.segmentBytes) {
    throw new OperationError('wal-invalid', `partial segment ${file.segment} is longer than a segment`, {
      hint: 'is this file a WAL segment?',
      detail: { name: file.segment, sizeBytes: content.byteLength, segmentBytes: facts.segmentBytes },
    });
  }
  return facts;
}

/** Binds an object to its name: whoever moves or renames objects on storage is found out. */
function checkIdentity(systemIdentifier: SystemIdentifier, file: WalFileName, header: WalObjectHeader): void {
  const object = walObjectName(systemIdentifier, file);
  if (header.systemIdentifier !== systemIdentifier) {
    throw new OperationError('cluster-mismatch', `${object} belongs to cluster ${header.systemIdentifier}`, {
      hint: 'were objects of two archives copied over one another?',
      detail: { object, found: String(header.systemIdentifier) },
    });
  }
  if (header.kind !== file.kind || walFileNameText(fileOfHeader(header)) !== walFileNameText(file)) {
    throw damagedWalObject(object, 'it holds another file: objects were renamed');
  }
}

function fileOfHeader(header: WalObjectHeader): WalFileName {
  if (header.kind === 'history') return { kind: 'history', timeline: header.timeline as never };
  const segment = segmentOfHeader(header);
  if (header.kind === 'backup') return { kind: 'backup', segment, offsetBytes: header.backupOffset };
  return { kind: header.kind, segment };
}

function segmentOfHeader({ kind, timeline, segmentNumber, segmentBytes }: WalObjectHeader): WalSegmentName {
  // backup notes carry the sixteen digits of the name themselves, as if segments were 4 GiB / 2^32
  const perHighPart = kind === 'backup' ? 0x1_0000_0000n : 0x1_0000_0000n / BigInt(Math.max(1, segmentBytes));
  const parts = [BigInt(timeline), segmentNumber / perHighPart, segmentNumber % perHighPart];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('') as WalSegmentName;
}

/** The last sixteen digits of a segment's name as one number: without the segment size no number can be told. */
function placeInName(segment: WalSegmentName): bigint {
  const digits = segment.slice(8);
  assert(digits.length === 16, 'a segment name has 24 digits');
  return BigInt(`0x${digits}`);
}
