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
      tests.map(({ timeline }) => timeline.begunAt),
      { from: tests[0]?.timeline.begunAt ?? now, to: now },
    ),
  };
}

/** Calendar months, `2026-11`, within the span in which nothing of the times lies. */
export function missedMonths(
  times: readonly string[],
  { from, to }: { readonly from: string; readonly to: string },
): string[] {
  const present = new Set(times.map((time) => time.slice(0, 7)));
  const missed: string[] = [];
  for (let month = from.slice(0, 7); month <= to.slice(0, 7); month = nextMonth(month)) {
    if (!present.has(month)) missed.push(month);
  }
  return missed;
}

/** Deviations of earlier runs that nobody has closed; one that was found several times counts once, with its first day. */
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

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}
