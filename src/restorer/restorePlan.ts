import type { BlobProblem } from '../repository/blobConsumer.ts';
import type { RepositoryIndex } from '../repository/download.ts';
import type { ExtendedAttribute, SpecialNode, SymlinkNode } from '../snapshot/node.ts';

/** What everything that is restored gets besides its content. */
export interface Attributes {
  /** Permission, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint;
  readonly xattrs?: readonly ExtendedAttribute[];
}

/** Paths are absolute; raw bytes as latin1 text. */
export interface PlannedFile {
  readonly path: string;
  /** Names joined from the destination down, also below a redirection. */
  readonly relative: string;
  readonly attributes: Attributes;
  readonly sizeBytes: number;
  /** Entries of its chunks in the blob table of the plan's index. */
  readonly entries: Uint32Array;
  /** A regular file is there, whose content is to be compared. */
  readonly exists: boolean;
}

export interface PlannedDirectory {
  readonly path: string;
  /** Left out for the destination when the snapshot says nothing about it, and for what stays as it is. */
  readonly attributes?: Attributes;
  readonly exists: boolean;
}

export interface PlannedHardLink {
  readonly path: string;
  /** Path of the file that it is another name of. */
  readonly target: string;
}

export interface PlannedSpecial {
  readonly path: string;
  readonly attributes: Attributes;
  readonly node: SymlinkNode | SpecialNode;
  /** The right symbolic link is there. */
  readonly exists: boolean;
}

/** Everything that `applyRestore` will do; making it changed nothing. */
export interface RestorePlan {
  /** Absolute; latin1 text. */
  readonly destination: string;
  readonly index: RepositoryIndex;
  /** Parents before children; the destination comes first. */
  readonly directories: readonly PlannedDirectory[];
  readonly files: readonly PlannedFile[];
  readonly hardLinks: readonly PlannedHardLink[];
  readonly specials: readonly PlannedSpecial[];
  /** Existing things that are removed because something else takes their place. */
  readonly obstacles: readonly string[];
  /** Existing things that are removed because the snapshot does not have them. */
  readonly surplus: readonly string[];
  /** Files that cannot be restored, since the repository lacks a part of them; those that exist lose their name. */
  readonly lost: readonly string[];
  /** Why. */
  readonly problems: readonly BlobProblem[];
  /** Of the files. */
  readonly totalBytes: number;
}
