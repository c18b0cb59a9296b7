import { newestUsable } from './exposure.ts';
import type { BackupFacts } from './facts.ts';
import type { JudgedFacts, Opinion } from './opinion.ts';
import { sizeText } from './words.ts';

/** How many backups before the newest say what is usual, and how many are needed to say it. */
const usualBackups = 10;
const minUsual = 3;
const shrunkTo = 0.5;
const grownTo = 2;

/** How large the newest backup is, restored: against the minimum, and against what is usual. */
export function judgeSize({ facts: { backups }, objective: { minSizeBytes }, now }: JudgedFacts): Opinion | undefined {
  const newest = newestUsable(backups, now);
  const sizeBytes = newest?.sizeBytes;
  if (newest === undefined || sizeBytes === undefined) return undefined;
  const usual = usualBytes(sizesBefore(newest, backups));
  const values = {
    sizeBytes,
    ...(minSizeBytes === undefined ? {} : { minSizeBytes }),
    ...(usual === undefined ? {} : { usualBytes: usual }),
  };
  const size = sizeText(sizeBytes);
  if (minSizeBytes !== undefined && sizeBytes < minSizeBytes) {
    const message = `the newest backup is too small: ${size}, of at least ${sizeText(minSizeBytes)}`;
    return { severity: 'warning', message, values };
  }
  if (usual === undefined || usual === 0) return { severity: 'ok', message: `the newest backup has ${size}`, values };
  const share = sizeBytes / usual;
  const message = `the newest backup has ${size}, ${Math.round(share * 100)} % of the usual ${sizeText(usual)}`;
  return { severity: share < shrunkTo ? 'warning' : share > grownTo ? 'info' : 'ok', message, values };
}

/** Of what is not good nothing says how large a backup is. */
function sizesBefore(newest: BackupFacts, backups: readonly BackupFacts[]): number[] {
  const before = backups.slice(backups.indexOf(newest) + 1);
  return before.flatMap(({ sizeBytes, flaw }) => (flaw === undefined ? (sizeBytes ?? []) : []));
}

/** Median of the newest; undefined where there are too few to say. */
export function usualBytes(sizes: readonly number[]): number | undefined {
  const ordered = sizes.slice(0, usualBackups).toSorted((one, other) => one - other);
  if (ordered.length < minUsual) return undefined;
  const middle = ordered.length >>> 1;
  const upper = ordered[middle]!;
  return ordered.length % 2 === 1 ? upper : (ordered[middle - 1]! + upper) / 2;
}
