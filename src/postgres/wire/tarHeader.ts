import { OperationError } from '../../base/errors.ts';

export const tarBlockBytes = 512;

/** The header of one entry of a ustar archive. */
export interface TarEntry {
  /** Path inside the archive, e.g. `base/1/1259`; a directory's ends without a slash. */
  readonly name: string;
  /** The same as the bytes on disk: a name need not be UTF-8. */
  readonly nameBytes: Buffer;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow; 0 for anything but a file. */
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Where a symbolic link points to. */
  readonly linkTarget?: string;
}

const types: Readonly<Record<number, TarEntry['type']>> = {
  0: 'file',
  0x30: 'file',
  0x32: 'symlink',
  0x35: 'directory',
};
const checksumOffset = 148;

/** Decodes a header block of 512 bytes and checks its checksum. Throws `postgres-protocol`. */
export function decodeTarHeader(block: Buffer): TarEntry {
  if (readNumber(block, checksumOffset, 8) !== headerChecksum(block)) throw tarError('a header with a wrong checksum');
  if (block.toString('latin1', 257, 262) !== 'ustar') throw tarError('a header that is not ustar');
  const type = types[block[156] ?? -1];
  if (type === undefined) throw tarError(`an entry of type ${block[156]}`);
  const prefix = readText(block, 345, 155);
  const path = readText(block, 0, 100);
  const whole = prefix.length === 0 ? path : Buffer.concat([prefix, Buffer.from('/'), path]);
  const nameBytes = Buffer.from(type === 'directory' && whole.at(-1) === 0x2f ? whole.subarray(0, -1) : whole);
  if (nameBytes.length === 0) throw tarError('an entry without a name');
  return {
    name: nameBytes.toString('utf8'),
    nameBytes,
    type,
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: readNumber(block, 108, 8),
    gid: readNumber(block, 116, 8),
    sizeBytes: type === 'file' ? readNumber(block, 124, 12) : 0,
    mtimeSeconds: readNumber(block, 136, 12),
    ...(type === 'symlink' ? { linkTarget: readText(block, 157, 100).toString('utf8') } : {}),
  };
}

/** The sum of all bytes with the checksum's own field counted as spaces. */
export function headerChecksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < tarBlockBytes; at++) {
    if (at < checksumOffset || at >= checksumOffset + 8) sum += block[at] ?? 0;
  }
  return sum;
}

/** Octal digits, or base 256 after a byte with the high bit set. */
function readNumber(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = BigInt(first & 0x7f);
    for (const byte of block.subarray(offset + 1, offset + length)) value = (value << 8n) | BigInt(byte);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw tarError('a number out of range');
    return Number(value);
  }
  const digits = readText(block, offset, length).toString('latin1').trim();
  if (!/^[0-7]*$/.test(digits)) throw tarError('a number that is not octal');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function readText(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

export function tarError(what: string): OperationError {
  return new OperationError('postgres-protocol', `the base backup's archive has ${what}`, {
    hint: 'was the connection altered on its way? try again, with TLS',
  });
}
