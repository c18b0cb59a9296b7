import type { Context } from '../base/context.ts';
import type { Repository } from './repository.ts';

/** A snapshot as far as the repository cares: what it is called and where it begins. */
export interface SnapshotRoot {
  readonly id: string;
  readonly tree: string;
}

/** A file of a tree. */
export interface ReferencedFile {
  readonly treeId: string;
  readonly name: string;
  /** Ids of its data blobs, 32 bytes each, in order. */
  readonly content: Uint8Array;
  /** Length that the tree records, in bytes. */
  readonly size: bigint;
}

/** What a walk through everything that snapshots need reports, in no order. */
export interface ReferenceVisitor {
  /** Each distinct tree, readable or not, once; id in hex. */
  tree(id: string): void;
  /** Each file of each distinct tree. */
  file(file: ReferencedFile): void;
  /** Called for each tree that cannot be read or is not as it must be; without it the first one is thrown. */
  readonly unreadable?: (treeId: string, error: unknown) => void;
}

/**
 * How check and prune learn what is in use. The snapshot layer implements it (`snapshotReferences`), since it knows
 * what snapshots and trees say; the repository knows only that they are documents and blobs.
 */
export interface References {
  /**
   * Loads all snapshots: to be called before the index is loaded. Without `onUnreadable` the first snapshot that cannot
   * be read is thrown: whoever deletes must not take it for absent.
   */
  load(
    ctx: Context,
    repository: Repository,
    onUnreadable?: (snapshotId: string, error: unknown) => void,
  ): Promise<readonly SnapshotRoot[]>;
  walk(ctx: Context, repository: Repository, from: ReferenceWalk): Promise<void>;
}

export interface ReferenceWalk {
  readonly roots: readonly SnapshotRoot[];
  readonly visitor: ReferenceVisitor;
}
