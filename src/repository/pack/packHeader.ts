import { OperationError } from '../../base/errors.ts';
import type { BlobType } from '../blob.ts';
import { sealOverheadBytes } from '../crypto/sealer.ts';

/** One blob as a pack's header lists it. */
export interface PackBlob {
  readonly type: BlobType;
  /** 32 bytes. */
  readonly id: Buffer;
  readonly offset: number;
  /** Sealed length. */
  readonly length: number;
  /** Plaintext length when compressed, else 0. */
  readonly rawLength: number;
}

/** Bytes of a header entry: type, length, [plaintext length,] id. */
export const plainEntryBytes = 37;
export const compressedEntryBytes = 41;
/** Length of the sealed header's length field at the very end of a pack. */
export const headerLengthBytes = 4;
const maxHeaderBytes = 16 * 1024 * 1024;

/** Appends one entry to a header under construction; returns the new end. */
export function writeHeaderEntry(target: Buffer, at: number, blob: Omit<PackBlob, 'offset'>): number {
  const compressed = blob.rawLength !== 0;
  target[at] = (blob.type === 'tree' ? 1 : 0) + (compressed ? 2 : 0);
  target.writeUInt32LE(blob.length, at + 1);
  if (compressed) target.writeUInt32LE(blob.rawLength, at + 5);
  blob.id.copy(target, at + (compressed ? 9 : 5));
  return at + (compressed ? compressedEntryBytes : plainEntryBytes);
}

/** Parses a decrypted header; throws `repository-damaged` for anything that is not one. */
export function parsePackHeader(header: Buffer): PackBlob[] {
  const blobs: PackBlob[] = [];
  let offset = 0;
  let at = 0;
  while (at < header.length) {
    const kind = header[at]!;
    if (kind > 3) throw damaged(`unknown blob type ${kind}`);
    const compressed = kind >= 2;
    const size = compressed ? compressedEntryBytes : plainEntryBytes;
    if (at + size > header.length) throw damaged('the last entry is cut off');
    const length = header.readUInt32LE(at + 1);
    const rawLength = compressed ? header.readUInt32LE(at + 5) : 0;
    if (length <= sealOverheadBytes || (compressed && rawLength === 0))
      throw damaged('an entry has an impossible length');
    const id = Buffer.from(header.subarray(at + size - 32, at + size));
    blobs.push({ type: kind % 2 === 1 ? 'tree' : 'data', id, offset, length, rawLength });
    offset += length;
    at += size;
  }
  return blobs;
}

/** Sealed header length from a pack's last four bytes, checked against the pack's size. */
export function headerLength(lastBytes: Buffer, packBytes: number): number {
  if (lastBytes.length < headerLengthBytes) throw damaged('it is too short to be a pack');
  const length = lastBytes.readUInt32LE(lastBytes.length - headerLengthBytes);
  if (length < sealOverheadBytes || length > maxHeaderBytes || length + headerLengthBytes > packBytes) {
    throw damaged(`its header length ${length} is impossible`);
  }
  return length;
}

/** Size that a pack with these blobs must have: padding is not part of the format. */
export function expectedPackBytes(blobs: Iterable<Pick<PackBlob, 'length' | 'rawLength'>>): number {
  let bytes = sealOverheadBytes + headerLengthBytes;
  for (const blob of blobs) bytes += blob.length + (blob.rawLength === 0 ? plainEntryBytes : compressedEntryBytes);
  return bytes;
}

function damaged(reason: string): OperationError {
  return new OperationError('repository-damaged', `the pack header is damaged: ${reason}`);
}
