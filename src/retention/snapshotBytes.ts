import type { Context } from '../base/context.ts';
import { idWords, plainLength } from '../repository/blobTable.ts';
import type { Repository } from '../repository/repository.ts';
import { treeLoader } from '../snapshot/repositorySource.ts';
import { walkUniqueTrees } from '../snapshot/walkTree.ts';

/** Bytes of the different chunks of a snapshot, and how many of them another snapshot does not have. */
export interface SnapshotBytes {
  readonly bytes: number;
  readonly newBytes: number;
}

/** Counts by index and trees alone; no data is read. Memory: a bit for each blob of the repository. */
export async function countBytes(
  ctx: Context,
  repository: Repository,
  { tree, since }: { readonly tree: string; readonly since: string },
): Promise<SnapshotBytes> {
  const table = (await repository.index(ctx)).table('data');
  const words = new Uint32Array(8);
  const eachEntry = (root: string, visit: (entry: number) => void): Promise<void> =>
    walkUniqueTrees(ctx, treeLoader(repository), [root], {
      visit: (_, nodes) => {
        for (const node of nodes) {
          if (node.type !== 'file') continue;
          const ids = node.content.packed();
          for (let at = 0; at < ids.length; at += 32) {
            const entry = table.find(idWords(ids.subarray(at, at + 32), words));
            if (entry >= 0) visit(entry);
          }
        }
      },
    });
  const [known, seen] = [new EntrySet(table.size), new EntrySet(table.size)];
  await eachEntry(since, (entry) => void known.add(entry));
  let bytes = 0;
  let newBytes = 0;
  await eachEntry(tree, (entry) => {
    const location = seen.add(entry) ? table.location(entry) : undefined;
    if (location === undefined) return;
    bytes += plainLength(location);
    if (!known.has(entry)) newBytes += plainLength(location);
  });
  return { bytes, newBytes };
}

/** Entry numbers of the index, a bit each. */
class EntrySet {
  readonly #bits: Uint8Array;

  constructor(size: number) {
    this.#bits = new Uint8Array((size >>> 3) + 1);
  }

  has(entry: number): boolean {
    return (this.#bits[entry >>> 3]! & (1 << (entry & 7))) !== 0;
  }

  /** True when it was not there. */
  add(entry: number): boolean {
    if (this.has(entry)) return false;
    this.#bits[entry >>> 3]! |= 1 << (entry & 7);
    return true;
  }
}
