import { OperationError } from '../base/errors.ts';
import { toHex } from '../base/hex.ts';

/** Bytes of one blob id. */
export const idBytes = 32;
/** Characters of one id in a JSON array, with quotes and comma. */
const jsonIdBytes = 67;
const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const hexDigits = Uint8Array.from(Buffer.from('0123456789abcdef'));
const highDigit = Uint8Array.from({ length: 256 }, (_, byte) => hexDigits[byte >> 4] ?? 0);
const lowDigit = Uint8Array.from({ length: 256 }, (_, byte) => hexDigits[byte & 15] ?? 0);
/** Value of a lower-case hex digit, 255 for every other byte. */
const digitValue = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = hexDigits.indexOf(byte);
  return value < 0 ? 255 : value;
});

/**
 * The data blobs of a file, in order. Held as packed ids (32 bytes each) or, when it comes from a parsed tree, as a
 * view of that tree's JSON, decoded only when asked for: a directory of large files has millions of ids that most
 * readers never look at, and an unchanged file's list goes from the old tree into the new one without being decoded.
 */
export class BlobList {
  static readonly empty = new BlobList(new Uint8Array(0), false);

  readonly #bytes: Uint8Array;
  readonly #json: boolean;

  private constructor(bytes: Uint8Array, json: boolean) {
    this.#bytes = bytes;
    this.#json = json;
  }

  /** A list of packed ids; the array is kept, not copied. */
  static fromPacked(ids: Uint8Array): BlobList {
    return new BlobList(ids, false);
  }

  static fromHex(ids: readonly string[]): BlobList {
    return new BlobList(Buffer.from(ids.join(''), 'hex'), false);
  }

  /** A view of `["<id>",...]` without spaces, or undefined when the JSON does not have that shape. Keeps `json`. */
  static fromJson(json: Uint8Array): BlobList | undefined {
    const inner = json.length - 2;
    if (inner === 0) return BlobList.empty;
    if ((inner + 1) % jsonIdBytes !== 0) return undefined;
    for (let at = 1; at < json.length; at += jsonIdBytes) {
      const end = at + jsonIdBytes - 1;
      if (json[at] !== quote || json[end - 1] !== quote) return undefined;
      if (json[end] !== (end === json.length - 1 ? closeBracket : comma)) return undefined;
    }
    return new BlobList(json, true);
  }

  get count(): number {
    return this.#json ? (this.#bytes.length - 1) / jsonIdBytes : this.#bytes.length / idBytes;
  }

  /** The ids, 32 bytes each. Throws `repository-damaged` when the JSON holds something else than lower-case hex. */
  packed(): Uint8Array {
    return this.#json ? decodeIds(this.#bytes, this.count) : this.#bytes;
  }

  /** The ids as hex, in order. */
  *[Symbol.iterator](): Generator<string> {
    const ids = this.packed();
    for (let at = 0; at < ids.length; at += idBytes) yield toHex(ids.subarray(at, at + idBytes));
  }

  /** Length of what `writeJson` writes. */
  get jsonBytes(): number {
    return this.#json ? this.#bytes.length : Math.max(2, this.count * jsonIdBytes + 1);
  }

  /** Writes the JSON array at `at` and returns the position behind it. */
  writeJson(out: Uint8Array, at: number): number {
    if (this.#json) {
      out.set(this.#bytes, at);
    } else {
      // a view, so that positions stay small integers in a tree beyond 2 GiB
      encodeIds(this.#bytes, out.subarray(at, at + this.jsonBytes));
    }
    return at + this.jsonBytes;
  }
}

function encodeIds(ids: Uint8Array, out: Uint8Array): void {
  out[0] = openBracket;
  let to = 1;
  for (let from = 0; from < ids.length;) {
    out[to++] = quote;
    for (const end = from + idBytes; from < end; from++) {
      const byte = ids[from] as number;
      out[to++] = highDigit[byte] as number;
      out[to++] = lowDigit[byte] as number;
    }
    out[to++] = quote;
    out[to++] = comma;
  }
  out[ids.length === 0 ? to : to - 1] = closeBracket;
}

function decodeIds(json: Uint8Array, count: number): Uint8Array {
  const ids = new Uint8Array(count * idBytes);
  let wrong = 0;
  let from = 2;
  for (let to = 0; to < ids.length; from += jsonIdBytes - 2 * idBytes) {
    for (const end = to + idBytes; to < end; to++) {
      const high = digitValue[json[from++] as number] as number;
      const low = digitValue[json[from++] as number] as number;
      wrong |= high | low;
      ids[to] = (high << 4) | low;
    }
  }
  if (wrong > 15) throw new OperationError('repository-damaged', 'a tree lists something that is not a blob id');
  return ids;
}
