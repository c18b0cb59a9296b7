import { evaluateRetention, type RetentionItem } from '../snapshot/retention.ts';
import type { RetentionPolicy } from '../snapshot/retentionPolicy.ts';
import { timestampFromDate } from '../snapshot/time.ts';

export interface SimulationOptions {
  readonly policy: RetentionPolicy;
  readonly begin: Date;
  readonly end: Date;
  /** A backup each so often, and a forget. */
  readonly everyMs: number;
  readonly forgetEveryMs: number;
}

export interface RetentionSimulation {
  readonly backups: number;
  /** Most snapshots at any moment, before a forget. */
  readonly most: number;
  /** How many are left after the last forget of each calendar month. */
  readonly months: readonly { readonly month: string; readonly snapshots: number }[];
  /** What is there at the end: newest first. */
  readonly left: readonly SimulatedSnapshot[];
}

export interface SimulatedSnapshot {
  readonly time: Date;
  readonly ageMs: number;
  readonly reasons: readonly string[];
}

/**
 * Runs backups and `forget` on a simulated calendar (UTC), with the very rules of `forget`. It says nothing of sizes:
 * nobody knows what will change.
 */
export function simulateRetention({
  policy,
  begin,
  end,
  everyMs,
  forgetEveryMs,
}: SimulationOptions): RetentionSimulation {
  let present: RetentionItem[] = [];
  let left: SimulatedSnapshot[] = [];
  let backups = 0;
  let most = 0;
  const months = new Map<string, number>();
  let nextForget = begin.getTime() + forgetEveryMs;
  const forgetAt = (ms: number): void => {
    most = Math.max(most, present.length);
    const kept = evaluateRetention(present, policy, new Date(ms)).decisions.filter(({ keep }) => keep);
    present = kept.map(({ snapshot }) => snapshot);
    left = kept.map(({ snapshot, reasons }) => describe(snapshot, reasons, ms));
    months.set(new Date(ms).toISOString().slice(0, 7), present.length);
  };
  for (let ms = begin.getTime() + everyMs; ms <= end.getTime(); ms += everyMs) {
    present.unshift({ id: String(++backups), time: timestampFromDate(new Date(ms)), tags: [] });
    if (ms < nextForget) continue;
    forgetAt(ms + 1); // a snapshot of this very moment lies in the past
    nextForget = Math.max(nextForget + forgetEveryMs, ms);
  }
  return { backups, most, months: [...months].map(([month, snapshots]) => ({ month, snapshots })), left };
}

/**
 * The largest step from one snapshot to the next on the way back to an age, in milliseconds; undefined where none is
 * that old.
 */
export function largestStep(left: readonly Pick<SimulatedSnapshot, 'ageMs'>[], ageMs: number): number | undefined {
  let largest = 0;
  let previous = 0;
  for (const { ageMs: age } of left) {
    largest = Math.max(largest, age - previous);
    previous = age;
    if (age >= ageMs) return largest;
  }
  return undefined;
}

function describe({ time }: RetentionItem, reasons: readonly string[], nowMs: number): SimulatedSnapshot {
  const ms = Number(time.ns / 1_000_000n);
  return { time: new Date(ms), ageMs: nowMs - 1 - ms, reasons };
}
