import { OperationError } from '../base/errors.ts';
import { wallDate, type Timestamp } from './time.ts';

const nsPerMs = 1_000_000n;
const nsPerHour = 3_600_000_000_000n;
const units = [
  ['y', 'years'],
  ['m', 'months'],
  ['d', 'days'],
  ['h', 'hours'],
] as const;

/** A span of calendar time, as retention policies use it. */
export interface CalendarDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/**
 * Reads restic's form, `1y5m7d2h` in any order and selection. Throws `usage`; zero is refused, it would say nothing.
 */
export function parseCalendarDuration(text: string): CalendarDuration {
  const duration = { years: 0, months: 0, days: 0, hours: 0 };
  const matches = [...text.trim().matchAll(/(\d{1,7})([ymdh])/g)];
  const letters = new Set(matches.map(([, , letter]) => letter));
  if (matches.map(([whole]) => whole).join('') !== text.trim() || letters.size < matches.length)
    throw notADuration(text);
  for (const [, digits, letter] of matches) {
    const unit = units.find(([name]) => name === letter);
    if (unit !== undefined) duration[unit[1]] = Number(digits);
  }
  if (formatCalendarDuration(duration) === '') throw notADuration(text);
  return duration;
}

/** The form that `parseCalendarDuration` reads; empty for zero. */
export function formatCalendarDuration(duration: CalendarDuration): string {
  return units.map(([letter, unit]) => (duration[unit] === 0 ? '' : `${duration[unit]}${letter}`)).join('');
}

/**
 * The moment a duration before `time`, counted on the calendar of its offset as Go's AddDate does: a day that the month
 * does not have runs over into the next (31 March less a month is 3 March). Undefined when no calendar goes back so
 * far.
 */
export function subtractDuration(time: Timestamp, duration: CalendarDuration): Timestamp | undefined {
  const wall = wallDate(time);
  const before = wallDate(time);
  before.setUTCFullYear(
    wall.getUTCFullYear() - duration.years,
    wall.getUTCMonth() - duration.months,
    wall.getUTCDate() - duration.days,
  );
  if (Number.isNaN(before.getTime())) return undefined;
  const movedNs = BigInt(wall.getTime() - before.getTime()) * nsPerMs + BigInt(duration.hours) * nsPerHour;
  return { ns: time.ns - movedNs, offsetMinutes: time.offsetMinutes };
}

function notADuration(text: string): OperationError {
  return new OperationError('usage', `${JSON.stringify(text)} is not a span of time`, {
    hint: 'years, months, days and hours, each at most once: 1y5m7d2h',
  });
}
