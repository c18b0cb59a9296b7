import { OperationError } from '../base/errors.ts';

/** File beside the record of a physical snapshot: CRC-32C of every chunk of every file of the data directory. */
export const chunkChecksumsName = 'chunk-checksums';

/** By path relative to the data directory, raw bytes as latin1 text. */
export type ChunkChecksums = ReadonlyMap<string, Uint32Array>;

const magic = Buffer.from('USCRC32C');
const headBytes = 6;

/**
 * `magic`, then for each file, by path: u16 length of the path, u32 number of chunks, the path, u32 CRC-32C of each
 * chunk; little-endian.
 */
export function serializeChunkChecksums(checksums: ChunkChecksums): Buffer {
  const parts: Buffer[] = [magic];
  for (const path of [...checksums.keys()].toSorted()) {
    const crcs = checksums.get(path)!;
    const name = Buffer.from(path, 'latin1');
    const part = Buffer.alloc(headBytes + name.length + crcs.length * 4);
    part.writeUInt16LE(name.length, 0);
    part.writeUInt32LE(crcs.length, 2);
    name.copy(part, headBytes);
    crcs.forEach((crc, index) => part.writeUInt32LE(crc, headBytes + name.length + index * 4));
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Throws `repository-damaged` for bytes that are not what `serializeChunkChecksums` makes. */
export function parseChunkChecksums(bytes: Buffer): Map<string, Uint32Array> {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw damaged();
  const checksums = new Map<string, Uint32Array>();
  for (let at = magic.length; at < bytes.length;) {
    if (at + headBytes > bytes.length) throw damaged();
    const nameLength = bytes.readUInt16LE(at);
    const count = bytes.readUInt32LE(at + 2);
    const crcsAt = at + headBytes + nameLength;
    const end = crcsAt + count * 4;
    if (end > bytes.length) throw damaged();
    const crcs = new Uint32Array(count);
    // the bytes need not be aligned
    new Uint8Array(crcs.buffer).set(bytes.subarray(crcsAt, end));
    checksums.set(bytes.toString('latin1', at + headBytes, crcsAt), crcs);
    at = end;
  }
  return checksums;
}

function damaged(): OperationError {
  return new OperationError('repository-damaged', `${chunkChecksumsName} of the snapshot is damaged`);
}
