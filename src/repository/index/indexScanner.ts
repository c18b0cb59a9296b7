import type { BlobType } from '../blob.ts';

/** Receives what a scanned index document says; id words are reused from call to call. */
export interface IndexSink {
  /** Returns the number that the pack's blobs are located by. */
  pack(id: string): number;
  blob(
    type: BlobType,
    id: Uint32Array,
    location: { pack: number; offset: number; length: number; rawLength: number },
  ): void;
}

const opening = Buffer.from('{"packs":[');
const packId = Buffer.from('{"id":"');
const blobsKey = Buffer.from('","blobs":[');
const dataType = Buffer.from('","type":"data","offset":');
const treeType = Buffer.from('","type":"tree","offset":');
const lengthKey = Buffer.from(',"length":');
const rawKey = Buffer.from(',"uncompressed_length":');
const comma = 0x2c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** Value of a lower-case hex digit, 255 for any other byte. */
const digits = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) digits[value.toString(16).charCodeAt(0)] = value;

/**
 * Reads an index document in the one shape that restic and we write, at several hundred MB/s and without an object for
 * each blob. Returns false, at any point, for a document of another shape: `parseIndex` reads that one and judges it.
 */
export function scanIndex(json: Buffer, sink: IndexSink): boolean {
  return new IndexScanner(json).document(sink);
}

class IndexScanner {
  readonly #json: Buffer;
  readonly #words = new Uint32Array(8);
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  document(sink: IndexSink): boolean {
    if (!this.#skip(opening)) return false;
    if (this.#json[this.#at] === closeBracket) return this.#ends();
    for (;;) {
      if (!this.#pack(sink)) return false;
      if (this.#json[this.#at] !== comma) return this.#ends();
      this.#at++;
    }
  }

  #pack(sink: IndexSink): boolean {
    if (!this.#skip(packId)) return false;
    const begin = this.#at;
    if (!this.#id() || !this.#skip(blobsKey)) return false;
    const pack = sink.pack(this.#json.toString('latin1', begin, begin + 64));
    for (;;) {
      if (!this.#blob(sink, pack)) return false;
      if (this.#json[this.#at++] !== comma) break;
    }
    return this.#json[this.#at - 1] === closeBracket && this.#json[this.#at++] === closeBrace;
  }

  #blob(sink: IndexSink, pack: number): boolean {
    if (!this.#skip(packId) || !this.#id()) return false;
    const isData = this.#skip(dataType);
    if (!isData && !this.#skip(treeType)) return false;
    const offset = this.#number();
    if (!this.#skip(lengthKey)) return false;
    const length = this.#number();
    const rawLength = this.#skip(rawKey) ? this.#number() : 0;
    if (offset < 0 || length < 0 || rawLength < 0 || this.#json[this.#at++] !== closeBrace) return false;
    sink.blob(isData ? 'data' : 'tree', this.#words, { pack, offset, length, rawLength });
    return true;
  }

  /** Decodes 64 hex digits into the words that the blob table compares. */
  #id(): boolean {
    let at = this.#at;
    let wrong = 0;
    for (let word = 0; word < 8; word++) {
      let value = 0;
      for (let shift = 0; shift < 32; shift += 8) {
        const high = digits[this.#json[at++]!]!;
        const low = digits[this.#json[at++]!]!;
        wrong |= high | low;
        value |= ((high << 4) | low) << shift;
      }
      this.#words[word] = value;
    }
    this.#at = at;
    return wrong < 16;
  }

  /** A number up to 32 bits, or -1. */
  #number(): number {
    const begin = this.#at;
    let value = 0;
    for (;;) {
      const digit = this.#json[this.#at]! - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.#at++;
    }
    return this.#at > begin && this.#at - begin <= 10 && value <= 0xffffffff ? value : -1;
  }

  #skip(text: Buffer): boolean {
    for (let index = 0; index < text.length; index++) {
      if (this.#json[this.#at + index] !== text[index]) return false;
    }
    this.#at += text.length;
    return true;
  }

  #ends(): boolean {
    return (
      this.#json[this.#at] === closeBracket &&
      this.#json[this.#at + 1] === closeBrace &&
      this.#at + 2 === this.#json.length
    );
  }
}
