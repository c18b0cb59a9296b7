import { unusedBytesAllowed, type UnusedLimit } from '../unusedLimit.ts';
import type { PackUsage } from './packUsage.ts';

export interface RepackOptions {
  /** Unused space that may stay; default 5 %. */
  readonly maxUnused?: UnusedLimit;
  /** Most bytes of packs to write anew; default no limit. */
  readonly maxRepackBytes?: number;
  /** Joins all packs below the target size; default only when there are many very small ones. */
  readonly repackSmall?: boolean;
  /** Target size of data packs; default 16 MiB. Trees get at most 4 MiB. */
  readonly packSizeBytes?: number;
}

export interface ChosenPacks {
  /** Nothing in them is needed. */
  readonly remove: readonly PackUsage[];
  /** What is needed in them is written anew. */
  readonly repack: readonly PackUsage[];
}

export const defaultPackBytes = 16 * 1024 * 1024;
export const maxTreePackBytes = 4 * 1024 * 1024;
const defaultMaxUnused: UnusedLimit = { kind: 'percent', percent: 5 };
/** Packs below this size are joined once there are this many of a type. */
const verySmallBytes = 0.8 * 4 * 1024 * 1024;
const manySmallPacks = 10;

/** Decides what happens to each pack: stays, goes, or is written anew. */
export function choosePacks(packs: readonly PackUsage[], options: RepackOptions): ChosenPacks {
  const { maxUnused = defaultMaxUnused, maxRepackBytes = Number.POSITIVE_INFINITY } = options;
  const remove = packs.filter(({ usedBlobs }) => usedBlobs === 0);
  const needed = packs.filter(({ usedBlobs }) => usedBlobs > 0);
  const small = smallPacks(needed, options);
  const mustRepack = (pack: PackUsage): boolean => pack.type === 'mixed' || pack.hasPlainTrees;
  const candidates = needed
    .filter((pack) => pack.unusedBlobs > 0 || mustRepack(pack) || small.has(pack))
    .sort((a, b) => rank(a, small) - rank(b, small) || b.unusedBytes * a.usedBytes - a.unusedBytes * b.usedBytes);
  const allowed = unusedBytesAllowed(maxUnused, sum(needed, 'usedBytes'));
  let unused = sum(needed, 'unusedBytes');
  let repacked = 0;
  const repack: PackUsage[] = [];
  for (const pack of candidates) {
    if (repacked + pack.sizeBytes > maxRepackBytes) continue;
    if (pack.type === 'data' && !small.has(pack) && unused <= allowed) continue;
    repack.push(pack);
    repacked += pack.sizeBytes;
    unused -= pack.unusedBytes;
  }
  return { remove, repack };
}

/** Trees, which cost every client most, and small packs come first. */
function rank(pack: PackUsage, small: ReadonlySet<PackUsage>): number {
  if (pack.type !== 'data') return 0;
  return small.has(pack) ? 1 : 2;
}

/** Packs to be joined. One alone stays as it is: written anew it would be as small again. */
function smallPacks(packs: readonly PackUsage[], options: RepackOptions): Set<PackUsage> {
  const { repackSmall = false, packSizeBytes = defaultPackBytes } = options;
  const found = new Set<PackUsage>();
  for (const type of ['data', 'tree'] as const) {
    const target = type === 'tree' ? Math.min(packSizeBytes, maxTreePackBytes) : packSizeBytes;
    const limit = repackSmall ? target : Math.min(verySmallBytes, target);
    const small = packs.filter((pack) => pack.type === type && pack.sizeBytes < limit);
    if (small.length >= (repackSmall ? 2 : manySmallPacks)) for (const pack of small) found.add(pack);
  }
  return found;
}

function sum(packs: readonly PackUsage[], member: 'usedBytes' | 'unusedBytes'): number {
  return packs.reduce((total, pack) => total + pack[member], 0);
}
