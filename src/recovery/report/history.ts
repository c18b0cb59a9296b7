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

/**
 * Deviations of earlier runs that nobody has closed. One that was found several times counts once: where it was found
 * last, to be closed there, but due since the first time.
 */
export function carriedOver(
  earlier: readonly Evidence[],
  { own, now }: { readonly own: readonly Deviation[]; readonly now: string },
): NonNullable<Evidence['carriedOver']> {
  const found = new Set(own.map(({ finding }) => finding));
  const open = new Map<string, NonNullable<Evidence['carriedOver']>[number]>();
  for (const { report, deviations } of earlier) {
    for (const { id, finding, severity, owner, dueDate, status } of deviations) {
      if (status === 'closed') {
        open.delete(finding);
        continue;
      }
      const due = open.get(finding)?.dueDate ?? dueDate;
      open.set(finding, {
        run: report.id,
        id,
        finding,
        severity,
        owner,
        dueDate: due,
        overdue: due < now.slice(0, 10),
        foundAgain: found.has(finding),
      });
    }
  }
  return [...open.values()];
}
