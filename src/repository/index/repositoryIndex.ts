import { assert } from '../../base/errors.ts';
import { fromHex } from '../../base/hex.ts';
import type { BlobType } from '../blob.ts';
import { BlobTable, idWords, type BlobLocation } from '../blobTable.ts';
import type { PackBlob } from '../pack/packHeader.ts';
import type { StoredPack } from '../pack/packWriter.ts';
import { parseIndex, type IndexedPack } from './indexDocument.ts';
import { scanIndex } from './indexScanner.ts';

/** Room for this many ids beyond what is known; address space only, memory is committed as it is used. */
const spareEntries = 1 << 20;

/** Which blob is in which pack and where: all index documents of a repository together, in typed arrays. */
export class RepositoryIndex {
  #tables: Record<BlobType, BlobTable>;
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();

  constructor(capacity: Record<BlobType, number> = { data: 0, tree: 0 }) {
    this.#tables = {
      data: BlobTable.create(capacity.data + spareEntries),
      tree: BlobTable.create(capacity.tree + spareEntries / 16),
    };
  }

  /** Adds an index document, as decrypted JSON. Throws `repository-damaged`. */
  addDocument(json: Buffer): void {
    const scanned = scanIndex(json, {
      pack: (id) => this.packNumber(id),
      blob: (type, id, location) => {
        const table = this.#tableWithRoom(type);
        const entry = table.claim(id);
        if (entry >= 0) table.setLocation(entry, location);
      },
    });
    // what was scanned before the shape changed is said again, to no effect: the first location wins
    if (!scanned) for (const pack of parseIndex(json)) this.addPack(pack);
  }

  /** Adds a pack of an index document. The first location of a blob wins; duplicates are legal. */
  addPack(pack: IndexedPack): void {
    const number = this.packNumber(pack.id);
    for (const blob of pack.blobs) {
      const table = this.#tableWithRoom(blob.type);
      const entry = table.claim(idWords(blob.id));
      if (entry >= 0)
        table.setLocation(entry, { pack: number, offset: blob.offset, length: blob.length, rawLength: blob.rawLength });
    }
  }

  /** Where a blob is, or undefined when no index knows it. */
  find(type: BlobType, id: string | Uint8Array): (BlobLocation & { readonly packId: string }) | undefined {
    const table = this.#tables[type];
    const entry = table.find(idWords(typeof id === 'string' ? fromHex(id) : id));
    if (entry < 0) return undefined;
    const location = table.location(entry);
    return location === undefined ? undefined : { ...location, packId: this.packId(location.pack) };
  }

  has(type: BlobType, id: string | Uint8Array): boolean {
    return this.find(type, id) !== undefined;
  }

  /** The table that threads share. It may be replaced by a larger one between operations, never during one. */
  table(type: BlobType): BlobTable {
    return this.#tables[type];
  }

  /** Makes room for `count` more blobs of a type before threads share the table. */
  reserve(type: BlobType, count: number): void {
    const table = this.#tables[type];
    if (table.size + count > table.capacity) this.#tables[type] = table.grownTo(table.size + count + spareEntries);
  }

  /** Number of a pack, given to it on first sight. */
  packNumber(id: string): number {
    let number = this.#packNumbers.get(id);
    if (number === undefined) {
      number = this.#packIds.push(id) - 1;
      this.#packNumbers.set(id, number);
    }
    return number;
  }

  /** Number of a pack, or undefined when no index lists it. */
  findPack(id: string): number | undefined {
    return this.#packNumbers.get(id);
  }

  packId(number: number): string {
    const id = this.#packIds[number];
    assert(id !== undefined && id !== '', 'every located blob is in a known pack');
    return id;
  }

  /** Ids of all packs whose place in the index is final. */
  packIds(): string[] {
    return this.#packIds.filter((id) => id !== '');
  }

  get packCount(): number {
    return this.#packIds.length;
  }

  /** Records a pack that was written under a number handed out beforehand. */
  addStored(pack: StoredPack): void {
    while (this.#packIds.length <= pack.number) this.#packIds.push('');
    this.#packIds[pack.number] = pack.id;
    this.#packNumbers.set(pack.id, pack.number);
  }

  /** What an index document must say about a pack just written. */
  describeStored({ id, type, entries }: StoredPack): { id: string; blobs: Iterable<PackBlob> } {
    const table = this.#tables[type];
    const blobs = entries.values().map((entry): PackBlob => {
      const location = table.location(entry);
      assert(location !== undefined, 'a stored blob has a location');
      return { type, id: table.idOf(entry), ...location };
    });
    return { id, blobs };
  }

  #tableWithRoom(type: BlobType): BlobTable {
    if (this.#tables[type].size >= this.#tables[type].capacity) this.reserve(type, spareEntries);
    return this.#tables[type];
  }
}
