import { assert } from '../base/errors.ts';

/** What a worker thread needs to use a table that another thread made. */
export interface SharedBlobTable {
  readonly header: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly entries: SharedArrayBuffer;
}

export interface BlobLocation {
  /** Number of the pack in the repository's pack list. */
  readonly pack: number;
  readonly offset: number;
  /** Sealed length, as stored. */
  readonly length: number;
  /** Plaintext length when compressed, 0 when stored plain (then it is `length` - 32). */
  readonly rawLength: number;
}

const entryWords = 12; // id: 8 words, pack, offset, length, raw length
const slotsPerEntry = 2;
const headerCount = 0;
const pendingPack = 0xffffffff;

/**
 * Blob ids and where they are, in 56 bytes an entry, shared by all threads: open addressing over a dense entry array.
 * `claim` decides for every blob which one thread stores it. One table a blob type.
 *
 * Entries are only ever added. A claimed entry has no location until its pack is complete.
 */
export class BlobTable {
  readonly shared: SharedBlobTable;
  readonly #header: Int32Array;
  readonly #slots: Int32Array;
  readonly #entries: Uint32Array;
  readonly #mask: number;
  readonly #capacity: number;

  private constructor(shared: SharedBlobTable) {
    this.shared = shared;
    this.#header = new Int32Array(shared.header);
    this.#slots = new Int32Array(shared.slots);
    this.#entries = new Uint32Array(shared.entries);
    this.#mask = this.#slots.length - 1;
    this.#capacity = Math.floor(this.#entries.length / entryWords);
  }

  /** A table with room for `capacity` ids. Memory is committed by the system only as it is used. */
  static create(capacity: number): BlobTable {
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(1024, capacity * slotsPerEntry)));
    return new BlobTable({
      header: new SharedArrayBuffer(16),
      slots: new SharedArrayBuffer(slotCount * 4),
      entries: new SharedArrayBuffer(Math.max(1, capacity) * entryWords * 4),
    });
  }

  static attach(shared: SharedBlobTable): BlobTable {
    return new BlobTable(shared);
  }

  /** A table with more room and the same entries under the same numbers. Only while no other thread uses this one. */
  grownTo(capacity: number): BlobTable {
    const grown = BlobTable.create(Math.max(capacity, this.size));
    for (let entry = 0; entry < this.size; entry++) {
      const at = entry * entryWords;
      const copy = grown.claim(this.#entries.subarray(at, at + 8));
      assert(copy === entry, 'entries keep their numbers when the table grows');
      grown.#entries.set(this.#entries.subarray(at + 8, at + entryWords), at + 8);
    }
    return grown;
  }

  get size(): number {
    return Math.min(Atomics.load(this.#header, headerCount), this.#capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Entry number of an id given as 8 words, or -1. */
  find(id: Uint32Array): number {
    for (let slot = id[0]! & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const value = Atomics.load(this.#slots, slot);
      if (value === 0) return -1;
      if (this.#holds(value - 1, id)) return value - 1;
    }
  }

  /**
   * Claims an id: the entry number when the caller is the one who must store the blob, `~entry` (negative) when the
   * blob is there or another thread has claimed it.
   */
  claim(id: Uint32Array): number {
    let mine = -1;
    for (let slot = id[0]! & this.#mask; ; slot = (slot + 1) & this.#mask) {
      let value = Atomics.load(this.#slots, slot);
      if (value === 0) {
        if (mine < 0) mine = this.#newEntry(id);
        value = Atomics.compareExchange(this.#slots, slot, 0, mine + 1);
        if (value === 0) return mine;
      }
      // an entry taken and then lost to another thread's equal id stays unused: it has no slot
      if (this.#holds(value - 1, id)) return ~(value - 1);
    }
  }

  setLocation(entry: number, location: BlobLocation): void {
    const at = entry * entryWords + 8;
    this.#entries[at + 1] = location.offset;
    this.#entries[at + 2] = location.length;
    this.#entries[at + 3] = location.rawLength;
    this.#entries[at] = location.pack;
  }

  /** Where a blob is; undefined while it is only claimed. */
  location(entry: number): BlobLocation | undefined {
    const at = entry * entryWords + 8;
    const pack = this.#entries[at]!;
    if (pack === pendingPack) return undefined;
    return {
      pack,
      offset: this.#entries[at + 1]!,
      length: this.#entries[at + 2]!,
      rawLength: this.#entries[at + 3]!,
    };
  }

  /** The 32 bytes of an entry's id, as a view. */
  idOf(entry: number): Buffer {
    return Buffer.from(this.#entries.buffer, entry * entryWords * 4, 32);
  }

  #newEntry(id: Uint32Array): number {
    const entry = Atomics.add(this.#header, headerCount, 1);
    assert(entry < this.#capacity, 'the blob table was made large enough for the operation');
    const at = entry * entryWords;
    this.#entries.set(id, at);
    this.#entries[at + 8] = pendingPack;
    return entry;
  }

  #holds(entry: number, id: Uint32Array): boolean {
    const at = entry * entryWords;
    for (let word = 0; word < 8; word++) {
      if (this.#entries[at + word] !== id[word]) return false;
    }
    return true;
  }
}

/** Plaintext length of a stored blob. */
export function plainLength(location: BlobLocation): number {
  return location.rawLength === 0 ? location.length - 32 : location.rawLength;
}

/** Copies a 32-byte id of any alignment into words that the table compares. */
export function idWords(id: Uint8Array, target = new Uint32Array(8)): Uint32Array {
  new Uint8Array(target.buffer, target.byteOffset, 32).set(id);
  return target;
}
