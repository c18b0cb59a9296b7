import { OperationError } from '../../base/errors.ts';

/** A day, `2026-11-22`, out of a day, a month or a year: the first or the last of it. Throws `usage`. */
export function parseDay(text: string, end: 'first' | 'last'): string {
  const [, year, month, day] = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(text) ?? [];
  const chosenMonth = month ?? (end === 'first' ? '01' : '12');
  const lastDay = new Date(Date.UTC(Number(year), Number(chosenMonth), 0)).getUTCDate();
  const chosenDay = day ?? (end === 'first' ? '01' : String(lastDay));
  const isReal = Number(chosenMonth) >= 1 && Number(chosenMonth) <= 12 && Number(chosenDay) >= 1;
  if (year !== undefined && isReal && Number(chosenDay) <= lastDay) return `${year}-${chosenMonth}-${chosenDay}`;
  throw new OperationError('usage', `${JSON.stringify(text)} is no day`, {
    hint: 'such as 2026-11-22, 2026-11 or 2026',
  });
}
