import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { ChunkReader, type SnapshotChunks } from './snapshotBytes.ts';
import { isUnreadable } from './sourceRecord.ts';

/** How many backups before one say what is usual, and how many are needed to say it. */
const baselineBackups = 7;
const minBaseline = 3;
/** A backup smaller than this part of the usual is a shrink. */
const shrunkTo = 0.5;
/** A backup of which more than this is new, where less than `usuallyNew` is, is a rewrite. */
const rewrittenFrom = 0.6;
const usuallyNew = 0.1;
/** How many backups are looked at for a rewrite, which takes their trees: two days of one each hour. */
const rewriteStarts = 48;

/** What happened to a source, with the figures that say so. Shares are parts of 1. */
export type SharpChange =
  | { readonly change: 'shrink'; readonly sizeBytes: number; readonly usualBytes: number }
  | { readonly change: 'rewrite'; readonly newShare: number; readonly usualShare: number };

/** A backup, and the size that its record tells. */
export interface ComparedBackup {
  readonly snapshot: Snapshot;
  readonly sizeBytes: number | undefined;
}

export interface FoundChange {
  /** The first backup after the change. */
  readonly snapshot: Snapshot;
  readonly change: SharpChange;
}

/**
 * Compares each backup of a source with those before it: did it lose half its size, or was most of it written anew?
 * Both are what a dropped table or a blackmailer leaves behind, and other backups may have followed before anybody
 * asks. `backups` newest first; where there are too few, or ones that cannot be read, nothing is found.
 */
export async function findSharpChange(
  ctx: Context,
  repository: Repository,
  backups: readonly ComparedBackup[],
): Promise<FoundChange | undefined> {
  const snapshots = backups.map(({ snapshot }) => snapshot);
  return findShrink(backups) ?? (await findRewrite(new NewShares(ctx, repository, snapshots), snapshots));
}

/** The newest shrink; of several small backups in a row the first. */
function findShrink(backups: readonly ComparedBackup[]): FoundChange | undefined {
  let found: FoundChange | undefined;
  for (const [at, { snapshot, sizeBytes }] of backups.entries()) {
    const older = backups.slice(at + 1, at + 1 + baselineBackups).flatMap((one) => one.sizeBytes ?? []);
    const usualBytes = older.length < minBaseline ? 0 : median(older);
    if (sizeBytes !== undefined && sizeBytes < usualBytes * shrunkTo) {
      found = { snapshot, change: { change: 'shrink', sizeBytes, usualBytes } };
    } else if (found !== undefined) break;
  }
  return found;
}

async function findRewrite(shares: NewShares, snapshots: readonly Snapshot[]): Promise<FoundChange | undefined> {
  const starts = Math.min(snapshots.length - minBaseline, rewriteStarts);
  for (let start = 0; start < starts; start++) {
    const newShare = await shares.of(start);
    if (newShare === undefined || newShare <= rewrittenFrom) continue;
    const usual: number[] = [];
    for (let at = start + 1; at < Math.min(snapshots.length - 1, start + baselineBackups); at++) {
      const share = await shares.of(at);
      if (share !== undefined) usual.push(share);
    }
    const usualShare = usual.length < minBaseline - 1 ? 1 : median(usual);
    if (usualShare >= usuallyNew) continue;
    return { snapshot: snapshots[start]!, change: { change: 'rewrite', newShare, usualShare } };
  }
  return undefined;
}

/** How much of each backup is new, compared with the one before it; read on demand, the newest first. */
class NewShares {
  readonly #reader: ChunkReader;
  readonly #snapshots: readonly Snapshot[];
  readonly #shares: (number | undefined)[] = [];
  #last: SnapshotChunks | undefined;

  constructor(ctx: Context, repository: Repository, snapshots: readonly Snapshot[]) {
    this.#reader = new ChunkReader(ctx, repository);
    this.#snapshots = snapshots;
  }

  /** Undefined where one of the two cannot be read: a flaw of its own, which is told as such. */
  async of(index: number): Promise<number | undefined> {
    while (this.#shares.length <= index) {
      const at = this.#shares.length;
      const chunks = at === 0 ? await this.#read(0) : this.#last;
      const since = await this.#read(at + 1);
      this.#shares.push(chunks === undefined || since === undefined ? undefined : shareOf(chunks, since));
      this.#last = since;
    }
    return this.#shares[index];
  }

  async #read(index: number): Promise<SnapshotChunks | undefined> {
    try {
      return await this.#reader.read(this.#snapshots[index]!.tree);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return undefined;
    }
  }
}

function shareOf(chunks: SnapshotChunks, since: SnapshotChunks): number {
  return chunks.bytes === 0 ? 0 : chunks.bytesNotIn(since) / chunks.bytes;
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((one, other) => one - other);
  const middle = ordered.length >>> 1;
  const upper = ordered[middle] ?? 0;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? 0) + upper) / 2;
}
