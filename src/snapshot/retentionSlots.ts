import { subtractDuration, type CalendarDuration } from './calendarDuration.ts';
import { periodOf, periodsBack, type PeriodUnit } from './calendarPeriod.ts';
import type { CountedRuleName, KeepCount, SpanRuleName } from './retentionPolicy.ts';
import type { Timestamp } from './time.ts';

/** Periods without a snapshot that are reported per rule. */
const maxMissingSlots = 1000;

/** What fills the slots of one rule, and which are missing: the newest period first. */
export interface RuleSlots {
  readonly rule: CountedRuleName | SpanRuleName;
  readonly wanted: KeepCount | CalendarDuration;
  readonly slots: readonly RetentionSlot[];
  /** How many more the rule would keep; undefined for a rule without a count. */
  readonly open: number | undefined;
}

export interface RetentionSlot {
  /** Label of the calendar period (calendarPeriod.ts); for `last` the running number from 1. */
  readonly period: string;
  /** Undefined: the period lies in the rule's reach and no snapshot was taken in it. */
  readonly snapshotId: string | undefined;
  /** True when it is kept only because it is the oldest. */
  readonly oldest: boolean;
}

export interface SlotSurroundings {
  /** Times of all snapshots of the group. */
  readonly times: readonly Timestamp[];
  readonly now: Timestamp;
  /** The newest snapshot that is not in the future. */
  readonly latest: Timestamp;
}

/**
 * The periods in a rule's reach in which the group has no snapshot: the last n calendar periods up to now (or those
 * within the span), but none before the group's first snapshot.
 */
export function missingPeriods(unit: PeriodUnit, wanted: RuleSlots['wanted'], group: SlotSurroundings): string[] {
  const present = new Set(group.times.map((time) => periodOf(unit, time)));
  const first = [...present].reduce((a, b) => (a < b ? a : b));
  const cutoff = typeof wanted === 'object' ? subtractDuration(group.latest, wanted) : undefined;
  const begin = cutoff === undefined ? first : later(first, periodOf(unit, cutoff));
  const limit = typeof wanted === 'number' ? wanted : Number.POSITIVE_INFINITY;
  const missing: string[] = [];
  let seen = 0;
  for (const period of periodsBack(unit, group.now)) {
    if (seen++ >= limit || period < begin || missing.length >= maxMissingSlots) break;
    if (!present.has(period)) missing.push(period);
  }
  return missing;
}

/** Filled slots and missing periods in one list, the newest period first. */
export function mergeSlots(filled: readonly RetentionSlot[], missing: readonly string[]): RetentionSlot[] {
  const empty = missing.map((period) => ({ period, snapshotId: undefined, oldest: false }));
  return [...filled, ...empty].toSorted((a, b) => (a.period === b.period ? 0 : a.period < b.period ? 1 : -1));
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
