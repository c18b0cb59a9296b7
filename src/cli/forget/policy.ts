import type { Config } from '../../config/schema.ts';
import type { WalPolicy } from '../../retention/expireWal.ts';
import { parseCalendarDuration, type CalendarDuration } from '../../snapshot/calendarDuration.ts';
import { isEmptyPolicy, type KeepCount, type RetentionPolicy } from '../../snapshot/retentionPolicy.ts';
import { parseTagList } from '../../snapshot/snapshotFilter.ts';
import type { OptionValues } from '../spec.ts';
import type { keepFlags } from '../specs/forget.ts';

type KeepFlags = OptionValues<typeof keepFlags>;
type RetentionConfig = Config['retention'];

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

/** The common policy of the configuration; undefined when it has no rule that keeps anything. */
export function policyOfConfig({ retention }: Pick<Config, 'retention'>): RetentionPolicy | undefined {
  const policy = rulesOf(retention);
  return isEmptyPolicy(policy) ? undefined : policy;
}

/**
 * The policies of the sources that have one of their own, by name. Its rules replace all common ones, so that "90 days"
 * is not prolonged by "7 yearly" from elsewhere; the tags that are kept come from there unless it names its own.
 */
export function sourcePoliciesOfConfig({ retention, sources }: Config): Map<string, RetentionPolicy> {
  const common = rulesOf(retention);
  const own = Object.entries(sources).flatMap(([name, source]): [string, RetentionPolicy][] => {
    const { tags, ...rules } = rulesOf(source.retention);
    if (isEmptyPolicy(rules) && tags === undefined) return [];
    const kept: RetentionPolicy = isEmptyPolicy(rules) ? common : rules;
    const { tags: _common, ...others } = kept;
    const tagRules = tags ?? common.tags;
    return [[name, tagRules === undefined ? others : { ...others, tags: tagRules }]];
  });
  return new Map(own);
}

/** How far back WAL is kept; a window on the command line holds for all. */
export function walPolicy({ retention, sources }: Config, windowMs: number | undefined): WalPolicy {
  if (windowMs !== undefined) return { windowMs };
  const own = Object.entries(sources).flatMap(([name, source]): [string, number][] => {
    const { recoveryWindow } = source.retention;
    return recoveryWindow === undefined ? [] : [[name, recoveryWindow]];
  });
  return { windowMs: retention.recoveryWindow, sourceWindowsMs: new Map(own) };
}

function rulesOf(retention: RetentionConfig): RetentionPolicy {
  return compact({
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
