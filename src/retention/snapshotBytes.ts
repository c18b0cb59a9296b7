import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import { idWords, plainLength, type BlobTable } from '../repository/blobTable.ts';
import type { Repository } from '../repository/repository.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import { parseTree } from '../snapshot/tree.ts';

const treeConcurrency = 8;

/** The different chunks of a snapshot. */
export interface SnapshotChunks {
  /** Plaintext, each chunk once. */
  readonly bytes: number;
  /** How many of them another snapshot does not have. */
  bytesNotIn(other: SnapshotChunks): number;
  has(entry: number): boolean;
}

interface TreeChunks {
  readonly entries: readonly number[];
  readonly below: readonly string[];
}

/**
 * Finds out which chunks snapshots have, by index and trees alone; no data is read. Trees that the last one had too are
 * not loaded again. Memory: the trees of two snapshots, and a bit a snapshot for each blob of the repository.
 */
export class ChunkReader {
  readonly #ctx: Context;
  readonly #repository: Repository;
  #trees: ReadonlyMap<string, TreeChunks> = new Map();

  constructor(ctx: Context, repository: Repository) {
    this.#ctx = ctx;
    this.#repository = repository;
  }

  /** The chunks below a tree. Throws `repository-damaged` when a tree cannot be read. */
  async read(root: string): Promise<SnapshotChunks> {
    const table = (await this.#repository.index(this.#ctx)).table('data');
    const trees = new Map<string, TreeChunks>();
    const known = new Set([root]);
    for (let level = [root]; level.length > 0;) {
      const below: string[] = [];
      await forEachConcurrently(level, treeConcurrency, async (id) => {
        const tree = this.#trees.get(id) ?? (await this.#load(id, table));
        trees.set(id, tree);
        for (const child of tree.below) {
          if (known.has(child)) continue;
          known.add(child);
          below.push(child);
        }
      });
      level = below;
    }
    this.#trees = trees;
    return new EntrySet(table, trees.values());
  }

  async #load(id: string, table: BlobTable): Promise<TreeChunks> {
    this.#ctx.signal.throwIfAborted();
    const words = new Uint32Array(8);
    const entries: number[] = [];
    const below: string[] = [];
    for (const node of parseTree(await treeLoader(this.#repository)(this.#ctx, id), id)) {
      if (node.type === 'dir') below.push(node.subtree);
      if (node.type !== 'file') continue;
      const ids = node.content.packed();
      for (let at = 0; at < ids.length; at += 32) {
        const entry = table.find(idWords(ids.subarray(at, at + 32), words));
        if (entry >= 0) entries.push(entry);
      }
    }
    return { entries, below };
  }
}

/** Entry numbers of the index, a bit each. */
class EntrySet implements SnapshotChunks {
  readonly bytes: number;
  readonly #table: BlobTable;
  readonly #bits: Uint8Array;

  constructor(table: BlobTable, trees: Iterable<TreeChunks>) {
    this.#table = table;
    this.#bits = new Uint8Array((table.size >>> 3) + 1);
    let bytes = 0;
    for (const { entries } of trees) {
      for (const entry of entries) {
        if (this.has(entry)) continue;
        this.#bits[entry >>> 3]! |= 1 << (entry & 7);
        bytes += this.#bytesOf(entry);
      }
    }
    this.bytes = bytes;
  }

  has(entry: number): boolean {
    return (this.#bits[entry >>> 3]! & (1 << (entry & 7))) !== 0;
  }

  bytesNotIn(other: SnapshotChunks): number {
    let bytes = 0;
    const { size } = this.#table;
    for (let entry = 0; entry < size; entry++) {
      if (this.has(entry) && !other.has(entry)) bytes += this.#bytesOf(entry);
    }
    return bytes;
  }

  #bytesOf(entry: number): number {
    const location = this.#table.location(entry);
    return location === undefined ? 0 : plainLength(location);
  }
}
