import type { Config } from '../../config/schema.ts';
import { parseCalendarDuration, type CalendarDuration } from '../../snapshot/calendarDuration.ts';
import { isEmptyPolicy, type KeepCount, type RetentionPolicy } from '../../snapshot/retentionPolicy.ts';
import { parseTagList } from '../../snapshot/snapshotFilter.ts';
import type { OptionValues } from '../spec.ts';
import type { keepFlags } from '../specs/forget.ts';

type KeepFlags = OptionValues<typeof keepFlags>;

/** The policy of the command line; undefined when it has no rule. */
export function policyOfFlags(flags: KeepFlags): RetentionPolicy | undefined {
  const policy = compact({
    last: flags.keepLast,
    hourly: flags.keepHourly,
    daily: flags.keepDaily,
    weekly: flags.keepWeekly,
    monthly: flags.keepMonthly,
    yearly: flags.keepYearly,
    within: flags.keepWithin,
    withinHourly: flags.keepWithinHourly,
    withinDaily: flags.keepWithinDaily,
    withinWeekly: flags.keepWithinWeekly,
    withinMonthly: flags.keepWithinMonthly,
    withinYearly: flags.keepWithinYearly,
    tags: flags.keepTag.length === 0 ? undefined : flags.keepTag.map(parseTagList),
  });
  return Object.keys(policy).length === 0 ? undefined : policy;
}

/** The policy of the configuration; undefined when it has no rule that keeps anything. */
export function policyOfConfig({ retention }: Config): RetentionPolicy | undefined {
  const policy = compact({
    last: count(retention.keepLast),
    hourly: count(retention.keepHourly),
    daily: count(retention.keepDaily),
    weekly: count(retention.keepWeekly),
    monthly: count(retention.keepMonthly),
    yearly: count(retention.keepYearly),
    within: span(retention.keepWithin),
    withinHourly: span(retention.keepWithinHourly),
    withinDaily: span(retention.keepWithinDaily),
    withinWeekly: span(retention.keepWithinWeekly),
    withinMonthly: span(retention.keepWithinMonthly),
    withinYearly: span(retention.keepWithinYearly),
    tags: retention.keepTags?.map(parseTagList),
  });
  return isEmptyPolicy(policy) ? undefined : policy;
}

type Rules = { readonly [Name in keyof RetentionPolicy]: RetentionPolicy[Name] | undefined };

function compact(rules: Rules): RetentionPolicy {
  return Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined));
}

/** The configuration writes unlimited as -1. */
function count(value: number | undefined): KeepCount | undefined {
  return value === -1 ? 'unlimited' : value;
}

function span(value: string | undefined): CalendarDuration | undefined {
  return value === undefined ? undefined : parseCalendarDuration(value);
}
