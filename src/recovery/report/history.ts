import { missedMonths } from '../drillMonths.ts';
import type { Deviation, Evidence } from '../evidenceSchema.ts';

const trendLength = 12;

/** The last tests of a plan, oldest first, and the months without one between the first and now. */
export function trendOf(earlier: readonly Evidence[], now: string): NonNullable<Evidence['trend']> {
  const drills = earlier.filter(({ report }) => report.type === 'drill');
  const tests = drills.slice(-trendLength);
  return {
    tests: tests.map(({ report, timeline, result }) => ({
      id: report.id,
      begunAt: timeline.begunAt,
      result: result.verdict,
      recoverySeconds: result.recoverySeconds,
      bytes: result.restoredBytes,
    })),
    missedMonths: missedMonths(
      // this month is not over, and has this run
      [...tests.map(({ timeline }) => timeline.begunAt), now],
      { from: tests[0]?.timeline.begunAt ?? now, to: now },
    ),
  };
}

/** Deviations of earlier runs that nobody has closed; one that was found several times counts once, from the first. */
export function carriedOver(
  earlier: readonly Evidence[],
  { own, now }: { readonly own: readonly Deviation[]; readonly now: string },
): NonNullable<Evidence['carriedOver']> {
  const found = new Set(own.map(({ finding }) => finding));
  const open = new Map<string, NonNullable<Evidence['carriedOver']>[number]>();
  for (const { report, deviations } of earlier) {
    for (const { id, finding, severity, owner, dueDate, status } of deviations) {
      if (status === 'closed' || open.has(finding)) continue;
      const overdue = dueDate < now.slice(0, 10);
      open.set(finding, {
        run: report.id,
        id,
        finding,
        severity,
        owner,
        dueDate,
        overdue,
        foundAgain: found.has(finding),
      });
    }
  }
  return [...open.values()];
}
