import { wallDate, type Timestamp } from './time.ts';

/** The calendar periods that retention counts. Weeks are ISO 8601: Monday to Sunday, week 1 holds 4 January. */
export type PeriodUnit = 'hour' | 'day' | 'week' | 'month' | 'year';

const dayMs = 86_400_000;
/** A policy asks for the same ones over and over. */
const labels = new WeakMap<Timestamp, Partial<Record<PeriodUnit, string>>>();

/**
 * The period in which a moment lies, on the calendar of its own offset: `2026-11-22T10`, `2026-11-22`, `2026-W47`,
 * `2026-11`, `2026`. Labels of one unit sort in time order (years 0 to 9999).
 */
export function periodOf(unit: PeriodUnit, time: Timestamp): string {
  const known = labels.get(time) ?? {};
  labels.set(time, known);
  return (known[unit] ??= label(unit, wallDate(time)));
}

/** The labels of the periods from the one of `time` back, endless. */
export function* periodsBack(unit: PeriodUnit, time: Timestamp): Generator<string> {
  for (const wall = wallDate(time); ; stepBack(unit, wall)) yield label(unit, wall);
}

function label(unit: PeriodUnit, wall: Date): string {
  const iso = wall.toISOString();
  switch (unit) {
    case 'hour':
      return iso.slice(0, 13);
    case 'day':
      return iso.slice(0, 10);
    case 'week':
      return isoWeek(wall);
    case 'month':
      return iso.slice(0, 7);
    case 'year':
      return iso.slice(0, 4);
  }
}

/** A week belongs to the year of its Thursday. */
function isoWeek(wall: Date): string {
  const weekday = (wall.getUTCDay() + 6) % 7;
  const thursday = new Date(wall.getTime() + (3 - weekday) * dayMs);
  const year = thursday.toISOString().slice(0, 4);
  const newYear = Date.parse(`${year}-01-01T00:00:00Z`);
  const week = Math.floor((thursday.getTime() - newYear) / (7 * dayMs)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

function stepBack(unit: PeriodUnit, wall: Date): void {
  if (unit === 'hour') wall.setUTCHours(wall.getUTCHours() - 1);
  else if (unit === 'day') wall.setUTCDate(wall.getUTCDate() - 1);
  else if (unit === 'week') wall.setUTCDate(wall.getUTCDate() - 7);
  else if (unit === 'month') wall.setUTCMonth(wall.getUTCMonth() - 1, 1);
  else wall.setUTCFullYear(wall.getUTCFullYear() - 1, 0, 1);
}
