import { OperationError } from '../base/errors.ts';
import { toSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';

/** What an archived object holds (docs/design/wal-archive.md); the number is the one on storage. */
export const walObjectKinds = { segment: 1, partial: 2, history: 3, backup: 4 } as const;

export type WalObjectKind = keyof typeof walObjectKinds;

/** The authenticated first bytes of an object: what it is, independent of the name that it lies under. */
export interface WalObjectHeader {
  readonly kind: WalObjectKind;
  /** Major version of the server that wrote the WAL; 0 where the file does not say (history, backup). */
  readonly major: number;
  readonly timeline: number;
  readonly systemIdentifier: SystemIdentifier;
  /** 0 for a history file. */
  readonly segmentNumber: bigint;
  /** Size of the cluster's segments; 0 for history files and backup notes, whose content does not say. */
  readonly segmentBytes: number;
  /** Where in its segment the backup began; 0 for the other kinds. */
  readonly backupOffset: number;
  readonly contentBytes: number;
  /** When the object was made, to the millisecond. */
  readonly storedAt: Date;
}

export const walHeaderBytes = 64;

const magic = Buffer.from('USTDYWAL', 'latin1');
const formatVersion = 1;
/** Largest segment that PostgreSQL can be built for. */
const maxContentBytes = 1024 * 1024 * 1024;

/** The 64 bytes of a header; little-endian. */
export function encodeWalHeader(header: WalObjectHeader): Buffer {
  const bytes = Buffer.alloc(walHeaderBytes);
  magic.copy(bytes);
  bytes.writeUInt16LE(formatVersion, 8);
  bytes.writeUInt8(walObjectKinds[header.kind], 10);
  bytes.writeUInt32LE(header.timeline, 12);
  bytes.writeBigUInt64LE(header.systemIdentifier, 16);
  bytes.writeBigUInt64LE(header.segmentNumber, 24);
  bytes.writeUInt32LE(header.segmentBytes, 32);
  bytes.writeUInt32LE(header.backupOffset, 36);
  bytes.writeBigUInt64LE(BigInt(header.contentBytes), 40);
  bytes.writeUInt16LE(header.major, 48);
  bytes.writeBigUInt64LE(BigInt(header.storedAt.getTime()), 56);
  return bytes;
}

/** Reads a header out of authenticated bytes. `object` is for the message of `repository-damaged` or `-unsupported`. */
export function decodeWalHeader(bytes: Buffer, object: string): WalObjectHeader {
  if (bytes.length < walHeaderBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    throw damagedWalObject(object, 'it does not begin as an archived WAL file');
  }
  const version = bytes.readUInt16LE(8);
  if (version !== formatVersion) {
    throw new OperationError('repository-unsupported', `${object} has the unknown format version ${version}`, {
      hint: 'was it written by a newer understudy? update this one',
      detail: { object, version },
    });
  }
  const kindNumber = bytes.readUInt8(10);
  const kind = (Object.keys(walObjectKinds) as WalObjectKind[]).find((key) => walObjectKinds[key] === kindNumber);
  const contentBytes = bytes.readBigUInt64LE(40);
  if (kind === undefined) throw damagedWalObject(object, `it is of the unknown kind ${kindNumber}`);
  if (contentBytes > maxContentBytes) throw damagedWalObject(object, 'it claims to be larger than any segment');
  return {
    kind,
    major: bytes.readUInt16LE(48),
    timeline: bytes.readUInt32LE(12),
    systemIdentifier: toSystemIdentifier(bytes.readBigUInt64LE(16)),
    segmentNumber: bytes.readBigUInt64LE(24),
    segmentBytes: bytes.readUInt32LE(32),
    backupOffset: bytes.readUInt32LE(36),
    contentBytes: Number(contentBytes),
    storedAt: new Date(Number(bytes.readBigUInt64LE(56))),
  };
}

export function damagedWalObject(object: string, reason: string): OperationError {
  return new OperationError('repository-damaged', `${object} is damaged: ${reason}`, {
    hint: 'fetch the file from another copy of the repository; until then recovery cannot pass this point',
    detail: { object },
  });
}
