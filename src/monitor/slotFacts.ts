import { periodOf, type PeriodUnit } from '../snapshot/calendarPeriod.ts';
import { evaluateRetention } from '../snapshot/retention.ts';
import { countedRules, spanRules, type RetentionPolicy } from '../snapshot/retentionPolicy.ts';
import type { RuleSlots } from '../snapshot/retentionSlots.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { timestampFromDate } from '../snapshot/time.ts';
import type { SlotFacts } from './facts.ts';

const units = new Map<string, PeriodUnit | undefined>(
  [...countedRules, ...spanRules].map(({ name, unit }) => [name, unit]),
);

/**
 * Which slots of a policy the good snapshots (newest first) fill, and which are empty although their time is over. The
 * present period is not: its backup may still come.
 */
export function slotFacts(snapshots: readonly Snapshot[], policy: RetentionPolicy | undefined, now: Date): SlotFacts[] {
  const [newest] = snapshots;
  if (policy === undefined || newest === undefined) return [];
  const present = { ...timestampFromDate(now), offsetMinutes: newest.time.offsetMinutes };
  return evaluateRetention(snapshots, policy, now).rules.map(({ rule, wanted, slots }: RuleSlots) => {
    const unit = units.get(rule);
    const isOver = (period: string): boolean => unit !== undefined && period !== periodOf(unit, present);
    const over = slots.filter(({ period }) => isOver(period));
    return {
      rule,
      unit: unit ?? 'last',
      filled: slots.filter(({ snapshotId }) => snapshotId !== undefined).length,
      wanted: typeof wanted === 'number' ? wanted : undefined,
      missing: over.flatMap(({ period, snapshotId }) => (snapshotId === undefined ? [period] : [])),
      lastIsMissing: over.length > 0 && over[0]?.snapshotId === undefined,
    };
  });
}
