import { OperationError } from '../../base/errors.ts';
import { isId, toHex } from '../../base/hex.ts';
import type { PackBlob } from '../pack/packHeader.ts';

/** One pack with all its blobs, as an index document lists it. */
export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackBlob[];
}

const textPieceBytes = 64 * 1024;

/**
 * JSON of an index document (restic design, "Indexing"). Every pack appears whole, once. Packs and their blobs are
 * taken one by one, and each is bytes before the next one is asked for: a document describes 50,000 blobs.
 */
export function serializeIndex(
  packs: Iterable<Pick<IndexedPack, 'id'> & { readonly blobs: Iterable<PackBlob> }>,
): Buffer {
  const pieces: Buffer[] = [];
  let piece = Buffer.allocUnsafeSlow(textPieceBytes);
  let used = 0;
  const write = (text: string): void => {
    if (used + text.length > piece.length) {
      pieces.push(piece.subarray(0, used));
      piece = Buffer.allocUnsafeSlow(textPieceBytes);
      used = 0;
    }
    used += piece.write(text, used, 'latin1');
  };
  write('{"packs":[');
  let packComma = '';
  for (const { id, blobs } of packs) {
    write(`${packComma}{"id":"${id}","blobs":[`);
    packComma = ',';
    let blobComma = '';
    for (const blob of blobs) {
      write(`${blobComma}${blobJson(blob)}`);
      blobComma = ',';
    }
    write(']}');
  }
  write(']}');
  return Buffer.concat([...pieces, piece.subarray(0, used)]);
}

function blobJson({ id, type, offset, length, rawLength }: PackBlob): string {
  const raw = rawLength === 0 ? '' : `,"uncompressed_length":${rawLength}`;
  return `{"id":"${toHex(id)}","type":"${type}","offset":${offset},"length":${length}${raw}}`;
}

interface RawIndex {
  packs?: { id?: unknown; blobs?: RawBlob[] }[] | null;
}

interface RawBlob {
  id?: unknown;
  type?: unknown;
  offset?: unknown;
  length?: unknown;
  uncompressed_length?: unknown;
}

/** Parses an index document; throws `repository-damaged` when a field is missing or out of range. */
export function parseIndex(json: Buffer): IndexedPack[] {
  let document: RawIndex;
  try {
    document = Object(JSON.parse(json.toString('latin1'))) as RawIndex;
  } catch (error) {
    throw damaged('it is not JSON', error);
  }
  return (document.packs ?? []).map((pack) => {
    if (typeof pack.id !== 'string' || !isId(pack.id)) throw damaged('a pack has no id');
    return { id: pack.id, blobs: (pack.blobs ?? []).map(parseBlob) };
  });
}

function parseBlob(blob: RawBlob): PackBlob {
  const { id, type, offset, length, uncompressed_length: rawLength = 0 } = blob;
  if (typeof id !== 'string' || !isId(id)) throw damaged('a blob has no id');
  if (type !== 'data' && type !== 'tree') throw damaged(`unknown blob type ${String(type)}`);
  if (!isLength(offset) || !isLength(length) || !isLength(rawLength))
    throw damaged('a blob has an impossible position');
  return { type, id: Buffer.from(id, 'hex'), offset, length, rawLength };
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function damaged(reason: string, cause?: unknown): OperationError {
  return new OperationError('repository-damaged', `an index document is damaged: ${reason}`, { cause });
}
