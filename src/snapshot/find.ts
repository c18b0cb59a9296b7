import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { idBytes, type BlobList } from './blobList.ts';
import type { PathPattern } from './pathPattern.ts';
import type { Snapshot } from './snapshots.ts';
import type { LoadTree } from './tree.ts';
import { walkTree, type TreeEntry } from './walkTree.ts';

export interface FindOptions {
  /** Any of them. */
  readonly patterns: readonly PathPattern[];
  /** Bounds of the modification time, both included, nanoseconds since 1970. */
  readonly oldestNs?: bigint;
  readonly newestNs?: bigint;
  readonly onMatch: (entry: TreeEntry) => void;
}

/** Reports every node of a snapshot whose path matches, in walk order; like restic, also everything below a match. */
export async function findByPattern(
  ctx: Context,
  loadTree: LoadTree,
  snapshot: Snapshot,
  options: FindOptions,
): Promise<void> {
  const { patterns, oldestNs, newestNs } = options;
  await walkTree(ctx, loadTree, snapshot.tree, {
    visit: (entry) => {
      const { mtimeNs, type } = entry.node;
      const path = entry.path.toString().split('/');
      const inTime = (oldestNs === undefined || mtimeNs >= oldestNs) && (newestNs === undefined || mtimeNs <= newestNs);
      if (inTime && patterns.some((pattern) => pattern.matches(path))) options.onMatch(entry);
      if (type === 'dir' && !patterns.some((pattern) => pattern.mayMatchBelow(path))) return 'skip';
    },
  });
}

/** Where a blob id is used. */
export interface BlobUse {
  readonly type: 'tree' | 'data';
  readonly id: string;
  /** The file or directory; undefined for the root tree. */
  readonly entry: TreeEntry | undefined;
}

/**
 * Reports each use in a snapshot of the blobs whose ids begin with one of the prefixes (hex, any length). A blob that a
 * file uses several times is reported once for that file. Throws `usage` for a prefix that is not hex.
 */
export async function findBlobs(
  ctx: Context,
  loadTree: LoadTree,
  snapshot: Snapshot,
  options: { readonly prefixes: readonly string[]; readonly onUse: (use: BlobUse) => void },
): Promise<void> {
  const prefixes = options.prefixes.map(parsePrefix);
  const reportTree = (id: string, entry: TreeEntry | undefined): void => {
    const bytes = Buffer.from(id, 'hex');
    if (prefixes.some((prefix) => prefix.matches(bytes, 0))) options.onUse({ type: 'tree', id, entry });
  };
  reportTree(snapshot.tree, undefined);
  await walkTree(ctx, loadTree, snapshot.tree, {
    visit: (entry) => {
      if (entry.node.type === 'dir') reportTree(entry.node.subtree, entry);
      if (entry.node.type !== 'file') return;
      for (const id of matchingIds(entry.node.content, prefixes)) options.onUse({ type: 'data', id, entry });
    },
  });
}

interface IdPrefix {
  matches(ids: Uint8Array, at: number): boolean;
}

function parsePrefix(prefix: string): IdPrefix {
  const text = prefix.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(text)) {
    throw new OperationError('usage', `${JSON.stringify(prefix)} is not the beginning of a blob id`);
  }
  const low = Buffer.from(text.padEnd(64, '0'), 'hex');
  const high = Buffer.from(text.padEnd(64, 'f'), 'hex');
  const lowest = low[0] as number;
  const highest = high[0] as number;
  return {
    matches: (ids, at) => {
      const first = ids[at] as number;
      if (first < lowest || first > highest) return false;
      const id = ids.subarray(at, at + idBytes);
      return Buffer.compare(id, low) >= 0 && Buffer.compare(id, high) <= 0;
    },
  };
}

function matchingIds(content: BlobList, prefixes: readonly IdPrefix[]): Set<string> {
  const found = new Set<string>();
  const ids = content.packed();
  for (let at = 0; at < ids.length; at += idBytes) {
    if (prefixes.some((prefix) => prefix.matches(ids, at))) {
      found.add(Buffer.from(ids.subarray(at, at + idBytes)).toString('hex'));
    }
  }
  return found;
}
