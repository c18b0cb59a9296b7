import type { SlotFacts } from './facts.ts';
import type { JudgedFacts, Opinion } from './opinion.ts';

const dayMs = 86_400_000;
/** The shortest that a period can be. */
const periodMs = { hour: dayMs / 24, day: dayMs, week: 7 * dayMs, month: 28 * dayMs, year: 365 * dayMs } as const;
/** How much longer than a period a backup may take to come, and still fill each. */
const slack = 1.25;

/**
 * Periods that the policy promises to keep a backup of and that have none. Of those that are shorter than backups are
 * apart nobody expects it. A day or an hour that was missed has been told of while it could be helped (`age`). A whole
 * week, month or year without a backup is a warning until the next one is over: nobody can fill the hole any more, and
 * a warning that stays for a year hides those that matter.
 */
export function judgeSlots({ facts: { slots }, objective: { maxAgeMs } }: JudgedFacts): Opinion | undefined {
  const expected = slots.filter(({ unit }) => unit !== 'last' && periodMs[unit] * slack >= maxAgeMs);
  const missing = expected.filter((rule) => rule.missing.length > 0);
  if (missing.length === 0) return undefined;
  const periods = missing.map(
    ({ rule, missing: [newest, ...more] }) => `${rule} ${newest}${more.length > 0 ? ` and ${more.length} more` : ''}`,
  );
  const count = missing.reduce((sum, rule) => sum + rule.missing.length, 0);
  return {
    severity: missing.some((rule) => rule.lastIsMissing && isLong(rule)) ? 'warning' : 'info',
    message: `the retention policy has slots without a backup: ${periods.join(', ')}`,
    values: { missing: count },
  };
}

function isLong({ unit }: SlotFacts): boolean {
  return unit === 'week' || unit === 'month' || unit === 'year';
}
