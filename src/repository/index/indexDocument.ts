import { OperationError } from '../../base/errors.ts';
import { isId, toHex } from '../../base/hex.ts';
import type { PackBlob } from '../pack/packHeader.ts';

/** One pack with all its blobs, as an index document lists it. */
export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackBlob[];
}

/**
 * JSON of an index document (restic design, "Indexing"). Every pack appears whole, once. Packs are taken one by one:
 * what describes the blobs of one is gone before the next one's.
 */
export function serializeIndex(packs: Iterable<IndexedPack>): Buffer {
  const parts: Buffer[] = [];
  for (const { id, blobs } of packs) {
    let text = `${parts.length === 0 ? '{"packs":[' : ','}{"id":"${id}","blobs":[`;
    for (const [index, blob] of blobs.entries()) {
      const raw = blob.rawLength === 0 ? '' : `,"uncompressed_length":${blob.rawLength}`;
      text += `${index === 0 ? '' : ','}{"id":"${toHex(blob.id)}","type":"${blob.type}","offset":${blob.offset},`;
      text += `"length":${blob.length}${raw}}`;
    }
    parts.push(Buffer.from(`${text}]}`, 'latin1'));
  }
  return Buffer.concat([...(parts.length === 0 ? [Buffer.from('{"packs":[')] : parts), Buffer.from(']}')]);
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
