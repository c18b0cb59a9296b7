import { OperationError } from '../base/errors.ts';
import { formatCalendarDuration, subtractDuration, type CalendarDuration } from './calendarDuration.ts';
import { periodOf, type PeriodUnit } from './calendarPeriod.ts';
import {
  countedRules,
  defaultProtectedTags,
  isEmptyPolicy,
  spanRules,
  type KeepCount,
  type RetentionPolicy,
} from './retentionPolicy.ts';
import {
  mergeSlots,
  missingPeriods,
  type RetentionSlot,
  type RuleSlots,
  type SlotSurroundings,
} from './retentionSlots.ts';
import { hasTags } from './snapshotFilter.ts';
import { timestampFromDate, zeroTime, type Timestamp } from './time.ts';

/** What retention needs to know of a snapshot. */
export interface RetentionItem {
  readonly id: string;
  readonly time: Timestamp;
  readonly tags: readonly string[];
}

export interface RetentionDecision<S> {
  readonly snapshot: S;
  readonly keep: boolean;
  /** Why it is kept, in restic's words: `daily snapshot`, `oldest yearly snapshot`, `within 1y`, `has tags [a, b]`. */
  readonly reasons: readonly string[];
}

export interface RetentionResult<S> {
  /** Newest first. */
  readonly decisions: readonly RetentionDecision<S>[];
  /** One entry for each rule with calendar slots that the policy uses. */
  readonly rules: readonly RuleSlots[];
}

/**
 * Decides which snapshots of one group a policy keeps, exactly as `restic forget` does. Equal times are decided by id,
 * where restic leaves it to chance. `now` tells which snapshots lie in the future. Throws `usage` for an empty policy.
 */
export function evaluateRetention<S extends RetentionItem>(
  snapshots: readonly S[],
  policy: RetentionPolicy,
  now: Date,
): RetentionResult<S> {
  if (isEmptyPolicy(policy)) {
    throw new OperationError('usage', 'the retention policy keeps nothing', { hint: 'give at least one keep rule' });
  }
  const ordered = snapshots.toSorted(newestFirst);
  if (ordered.length === 0) return { decisions: [], rules: [] };
  const latest = latestTime(ordered, timestampFromDate(now));
  const rules = slotRules(policy, latest);
  const decisions = ordered.map((snapshot, index) => {
    const reasons = [
      ...uncountedReasons(snapshot, policy, latest),
      ...rules.flatMap((rule) => rule.offer(snapshot, index === ordered.length - 1) ?? []),
      ...protection(snapshot, policy),
    ];
    return { snapshot, keep: reasons.length > 0, reasons };
  });
  const nowThere = { ...timestampFromDate(now), offsetMinutes: latest.offsetMinutes };
  const group = { times: ordered.map(({ time }) => time), now: nowThere, latest };
  return { decisions, rules: rules.map((rule) => rule.report(group)) };
}

function uncountedReasons(snapshot: RetentionItem, policy: RetentionPolicy, latest: Timestamp): string[] {
  const reasons = (policy.tags ?? [])
    .filter((list) => hasTags(snapshot, list))
    .map((list) => `has tags [${list.join(', ')}]`);
  const { within } = policy;
  if (within !== undefined && isWithin(snapshot, within, latest))
    reasons.push(`within ${formatCalendarDuration(within)}`);
  return reasons;
}

function protection(snapshot: RetentionItem, policy: RetentionPolicy): string[] {
  const protectedTags = policy.protectedTags ?? defaultProtectedTags;
  return snapshot.tags.filter((tag) => protectedTags.includes(tag)).map((tag) => `protected by tag ${tag}`);
}

function slotRules(policy: RetentionPolicy, latest: Timestamp): SlotRule[] {
  const keepOldest = policy.keepOldest ?? true;
  const counted = countedRules.flatMap(({ name, unit }) => {
    const wanted = policy[name] ?? 0;
    if (wanted === 0) return [];
    return [new SlotRule({ rule: name, unit, wanted, reason: `${name} snapshot`, keepOldest, reaches: () => true })];
  });
  const spans = spanRules.flatMap(({ name, unit, reason }) => {
    const wanted = policy[name];
    if (wanted === undefined) return [];
    const reaches = (snapshot: RetentionItem): boolean => isWithin(snapshot, wanted, latest);
    const full = `${reason} ${formatCalendarDuration(wanted)}`;
    return [new SlotRule({ rule: name, unit, wanted, reason: full, keepOldest, reaches })];
  });
  return [...counted, ...spans];
}

interface SlotRuleOptions {
  readonly rule: RuleSlots['rule'];
  /** Undefined: each snapshot has a slot of its own. */
  readonly unit: PeriodUnit | undefined;
  readonly wanted: KeepCount | CalendarDuration;
  readonly reason: string;
  readonly keepOldest: boolean;
  readonly reaches: (snapshot: RetentionItem) => boolean;
}

/** One rule while the snapshots pass by, newest first. */
class SlotRule {
  readonly #options: SlotRuleOptions;
  readonly #filled: RetentionSlot[] = [];
  #left: number;

  constructor(options: SlotRuleOptions) {
    this.#options = options;
    this.#left = typeof options.wanted === 'number' ? options.wanted : Number.POSITIVE_INFINITY;
  }

  /** The reason when the rule keeps this snapshot. A snapshot that other rules keep uses up the count all the same. */
  offer(snapshot: RetentionItem, isOldest: boolean): string | undefined {
    const { unit, reason, keepOldest, reaches } = this.#options;
    if (this.#left === 0 || !reaches(snapshot)) return undefined;
    const period = unit === undefined ? String(this.#filled.length + 1) : periodOf(unit, snapshot.time);
    const oldest = period === this.#filled.at(-1)?.period;
    if (oldest && !(isOldest && keepOldest)) return undefined;
    this.#filled.push({ period, snapshotId: snapshot.id, oldest });
    this.#left--;
    return oldest ? `oldest ${reason}` : reason;
  }

  report(group: SlotSurroundings): RuleSlots {
    const { rule, unit, wanted } = this.#options;
    const slots = unit === undefined ? this.#filled : mergeSlots(this.#filled, missingPeriods(unit, wanted, group));
    return { rule, wanted, slots, open: Number.isFinite(this.#left) ? this.#left : undefined };
  }
}

function isWithin(snapshot: RetentionItem, span: CalendarDuration, latest: Timestamp): boolean {
  const cutoff = subtractDuration(latest, span);
  return cutoff === undefined || snapshot.time.ns > cutoff.ns;
}

/** The newest time that is not in the future, from which spans are counted back. */
function latestTime(ordered: readonly RetentionItem[], now: Timestamp): Timestamp {
  return ordered.find(({ time }) => time.ns < now.ns)?.time ?? zeroTime;
}

function newestFirst(a: RetentionItem, b: RetentionItem): number {
  if (a.time.ns !== b.time.ns) return a.time.ns > b.time.ns ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
