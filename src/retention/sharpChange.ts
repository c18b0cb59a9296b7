import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { countBytes } from './snapshotBytes.ts';
import { isUnreadable, loadSourceRecord } from './sourceRecord.ts';

/** How many backups before the newest say what is usual, and how many are needed to say it. */
const baselineBackups = 7;
const minBaseline = 3;
/** A backup smaller than this part of the usual is a shrink. */
const shrunkTo = 0.5;
/** A backup of which more than this is new, where less than `usuallyNew` is, is a rewrite. */
const rewrittenFrom = 0.6;
const usuallyNew = 0.1;

/** What happened to a source, with the figures that say so. Shares are parts of 1. */
export type SharpChange =
  | { readonly change: 'shrink'; readonly sizeBytes: number; readonly usualBytes: number }
  | { readonly change: 'rewrite'; readonly newShare: number; readonly usualShare: number };

/**
 * Compares the newest backup of a source with those before it: did it lose half its size, or was most of it written
 * anew? Both are what a dropped table or a blackmailer leaves behind. `snapshots` newest first; with too few of them,
 * or ones that cannot be read, nothing is found.
 */
export async function findSharpChange(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Snapshot[],
): Promise<SharpChange | undefined> {
  const [newest, ...older] = snapshots.slice(0, 1 + baselineBackups);
  if (newest === undefined || older.length < minBaseline) return undefined;
  try {
    return (await findShrink(ctx, repository, { newest, older })) ?? (await findRewrite(ctx, repository, snapshots));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined; // a flaw of its own, which is told as such
  }
}

async function findShrink(
  ctx: Context,
  repository: Repository,
  { newest, older }: { readonly newest: Snapshot; readonly older: readonly Snapshot[] },
): Promise<SharpChange | undefined> {
  const sizeOf = async (snapshot: Snapshot): Promise<number> => {
    const { sizeBytes } = await loadSourceRecord(ctx, repository, snapshot);
    const { tree } = snapshot;
    return sizeBytes ?? (await countBytes(ctx, repository, { tree, since: tree })).bytes;
  };
  const sizes: number[] = [];
  for (const snapshot of older) sizes.push(await sizeOf(snapshot));
  const usualBytes = median(sizes);
  const sizeBytes = await sizeOf(newest);
  return sizeBytes < usualBytes * shrunkTo ? { change: 'shrink', sizeBytes, usualBytes } : undefined;
}

/** Older pairs are compared only when the newest is suspicious. */
async function findRewrite(
  ctx: Context,
  repository: Repository,
  snapshots: readonly Snapshot[],
): Promise<SharpChange | undefined> {
  const shareOf = async (index: number): Promise<number> => {
    const [{ tree }, { tree: since }] = [snapshots[index]!, snapshots[index + 1]!];
    if (tree === since) return 0;
    const { bytes, newBytes } = await countBytes(ctx, repository, { tree, since });
    return bytes === 0 ? 0 : newBytes / bytes;
  };
  const newShare = await shareOf(0);
  if (newShare <= rewrittenFrom) return undefined;
  const shares: number[] = [];
  for (let index = 1; index < Math.min(snapshots.length - 1, baselineBackups); index++) {
    shares.push(await shareOf(index));
  }
  const usualShare = median(shares);
  return usualShare < usuallyNew ? { change: 'rewrite', newShare, usualShare } : undefined;
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((one, other) => one - other);
  const middle = ordered.length >>> 1;
  const upper = ordered[middle] ?? 0;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? 0) + upper) / 2;
}
