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

function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}
