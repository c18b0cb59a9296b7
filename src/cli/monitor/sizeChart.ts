import type { BackupFacts } from '../../monitor/facts.ts';
import { formatLocalTime } from '../format.ts';

/** Steps from small to large, and a day without a backup. */
export interface ChartMarks {
  readonly steps: string;
  readonly none: string;
}

const blocks: ChartMarks = { steps: '▁▂▃▄▅▆▇█', none: '·' };
const ascii: ChartMarks = { steps: '_-=#', none: '.' };

/** Blocks where the locale says that the terminal takes UTF-8, as PostgreSQL's and most other programs tell it. */
export function chartMarks(environment: Readonly<Record<string, string | undefined>>): ChartMarks {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find((value) => value);
  return /utf-?8/i.test(locale ?? '') ? blocks : ascii;
}

/** A mark for each of the last days, the oldest first: the size of its newest backup, against the largest. */
export function sizeChart(backups: readonly BackupFacts[], { days, now, marks }: ChartOptions): string {
  const sizes = sizesByDay(backups, { days, now });
  const largest = Math.max(...sizes.map((size) => size ?? 0));
  return sizes.map((size) => (size === undefined ? marks.none : mark(size / (largest || 1), marks))).join('');
}

interface ChartOptions {
  readonly days: number;
  readonly now: Date;
  readonly marks: ChartMarks;
}

/** On the calendar of this machine; undefined for a day without a backup. */
export function sizesByDay(
  backups: readonly BackupFacts[],
  { days, now }: Pick<ChartOptions, 'days' | 'now'>,
): (number | undefined)[] {
  const newest = new Map<string, number>();
  for (const { time, sizeBytes } of backups) {
    const day = dayOf(time);
    if (sizeBytes !== undefined && !newest.has(day)) newest.set(day, sizeBytes);
  }
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(now);
    day.setDate(day.getDate() - (days - 1 - index));
    return newest.get(dayOf(day));
  });
}

function dayOf(moment: Date): string {
  return formatLocalTime(moment).slice(0, 10);
}

function mark(share: number, { steps }: ChartMarks): string {
  return steps[Math.min(steps.length - 1, Math.floor(share * steps.length))]!;
}
