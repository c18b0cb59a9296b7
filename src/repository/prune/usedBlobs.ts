import type { BlobType } from '../blob.ts';
import { idWords } from '../blobTable.ts';
import type { IndexedPack } from '../index/indexDocument.ts';
import { RepositoryIndex } from '../index/repositoryIndex.ts';
import type { PackBlob } from '../pack/packHeader.ts';

const types = ['data', 'tree'] as const;

const unused = 0;
const used = 1;
/** Needed, and one of several copies is still to be chosen. */
const contested = 2;
const settled = 3;

/**
 * Which blobs are needed, and which of several copies stays: the one where `index` locates the blob. Two bytes a blob
 * beside the index.
 */
export class UsedBlobs {
  readonly index = new RepositoryIndex();
  #states: Record<BlobType, Uint8Array> = { data: new Uint8Array(0), tree: new Uint8Array(0) };
  #copies: Record<BlobType, Uint8Array> = { data: new Uint8Array(0), tree: new Uint8Array(0) };

  /** Adds the blobs of a pack that is there. All packs are added before anything is marked. */
  addPack(pack: IndexedPack): void {
    this.index.addPack(pack);
    for (const type of types) this.#makeRoom(type);
    for (const blob of pack.blobs) {
      const copies = this.#copies[blob.type];
      const entry = this.#entry(blob);
      copies[entry] = Math.min(255, (copies[entry] ?? 0) + 1);
    }
  }

  /** Marks a blob as needed; false when no pack holds it. */
  mark(type: BlobType, id: Uint8Array): boolean {
    const entry = this.index.table(type).find(idWords(id, words));
    if (entry < 0) return false;
    this.#states[type][entry] = (this.#copies[type][entry] ?? 0) > 1 ? contested : used;
    return true;
  }

  isNeeded(blob: PackBlob): boolean {
    return this.#state(blob) !== unused;
  }

  isContested(blob: PackBlob): boolean {
    return this.#state(blob) === contested;
  }

  /** True for the copy that stays of a blob that is needed; meaningless while it is contested. */
  stays(packId: string, blob: PackBlob): boolean {
    if (!this.isNeeded(blob)) return false;
    const location = this.index.table(blob.type).location(this.#entry(blob));
    return location?.offset === blob.offset && location.pack === this.index.packNumber(packId);
  }

  /** Chooses this copy of a contested blob if it is `preferred` or the last one; false when it is left out. */
  choose(packId: string, blob: PackBlob, preferred: boolean): boolean {
    const entry = this.#entry(blob);
    const copies = this.#copies[blob.type];
    const left = copies[entry] ?? 0;
    if (!preferred && left > 1) {
      copies[entry] = left - 1;
      return false;
    }
    const { offset, length, rawLength } = blob;
    this.index.table(blob.type).setLocation(entry, { pack: this.index.packNumber(packId), offset, length, rawLength });
    this.#states[blob.type][entry] = settled;
    return true;
  }

  #state(blob: PackBlob): number {
    const entry = this.#entry(blob);
    return entry < 0 ? unused : (this.#states[blob.type][entry] ?? unused);
  }

  #entry(blob: PackBlob): number {
    return this.index.table(blob.type).find(idWords(blob.id, words));
  }

  #makeRoom(type: BlobType): void {
    const needed = this.index.table(type).size;
    if (needed <= this.#states[type].length) return;
    this.#states[type] = grown(this.#states[type], needed * 2);
    this.#copies[type] = grown(this.#copies[type], needed * 2);
  }
}

const words = new Uint32Array(8);

function grown(array: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(length);
  larger.set(array);
  return larger;
}
