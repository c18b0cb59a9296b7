import { OperationError } from '../base/errors.ts';
import type { CalendarDuration } from './calendarDuration.ts';
import type { PeriodUnit } from './calendarPeriod.ts';
import type { TagList } from './snapshotFilter.ts';

/** How many a rule keeps; 0 switches it off. */
export type KeepCount = number | 'unlimited';

/**
 * Rules that keep the newest snapshot of each of the last n periods that have one; `last` keeps the last n snapshots.
 */
export const countedRules = [
  { name: 'last', unit: undefined },
  { name: 'hourly', unit: 'hour' },
  { name: 'daily', unit: 'day' },
  { name: 'weekly', unit: 'week' },
  { name: 'monthly', unit: 'month' },
  { name: 'yearly', unit: 'year' },
] as const satisfies readonly { name: string; unit: PeriodUnit | undefined }[];

/** Rules that keep the newest snapshot of each period within a span of time before the newest snapshot. */
export const spanRules = [
  { name: 'withinHourly', unit: 'hour', reason: 'hourly within' },
  { name: 'withinDaily', unit: 'day', reason: 'daily within' },
  { name: 'withinWeekly', unit: 'week', reason: 'weekly within' },
  { name: 'withinMonthly', unit: 'month', reason: 'monthly within' },
  { name: 'withinYearly', unit: 'year', reason: 'yearly within' },
] as const satisfies readonly { name: string; unit: PeriodUnit; reason: string }[];

export type CountedRuleName = (typeof countedRules)[number]['name'];
export type SpanRuleName = (typeof spanRules)[number]['name'];

/** Snapshots with one of these are never forgotten unless a policy names other tags. */
export const defaultProtectedTags: readonly string[] = ['critical', 'understudy:keep'];

/** What `forget` keeps: restic's rules, joined by "or", and protection by tags on top. */
export type RetentionPolicy = { readonly [K in CountedRuleName]?: KeepCount } & {
  readonly [K in SpanRuleName]?: CalendarDuration;
} & {
  /** Keep everything younger than this before the newest snapshot. */
  readonly within?: CalendarDuration;
  /** Keep snapshots that have all tags of one of the lists. */
  readonly tags?: readonly TagList[];
  /** Never forget a snapshot with one of these tags; it still fills the slots of other rules. */
  readonly protectedTags?: readonly string[];
  /** Let every rule with room left keep the oldest snapshot too, as restic does since 0.16. Default true. */
  readonly keepOldest?: boolean;
};

/** Reads a count as `--keep-daily` takes it: digits, `-1` or `unlimited`. Throws `usage`. */
export function parseKeepCount(text: string): KeepCount {
  if (text === 'unlimited' || text === '-1') return 'unlimited';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new OperationError('usage', `${JSON.stringify(text)} is not a number of snapshots to keep`, {
    hint: 'a number, or unlimited',
  });
}

/** True when no rule would keep anything; protection alone is no policy. */
export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  return (
    countedRules.every(({ name }) => (policy[name] ?? 0) === 0) &&
    [policy.within, ...spanRules.map(({ name }) => policy[name])].every((span) => span === undefined) &&
    (policy.tags ?? []).length === 0
  );
}
