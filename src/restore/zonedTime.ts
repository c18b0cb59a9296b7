/** Microseconds since 1970 in UTC: what PostgreSQL's clock can tell apart. */
export type UnixMicroseconds = bigint;

export interface TimeProblem {
  readonly problem: string;
  readonly hint: string;
}

const pattern =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(.*)$/i;
const form = 'write it as 2026-11-21 10:42:00+01:00 or 2026-11-21T09:42:00Z';

/**
 * Reads a date and time with a UTC offset; digits below the microsecond are cut off. Names of zones are not accepted:
 * in the hour that is repeated in autumn they mean two moments.
 */
export function parseZonedTime(text: string): UnixMicroseconds | TimeProblem {
  const match = pattern.exec(text.trim());
  if (match === null) return { problem: 'it is no date with a time', hint: form };
  const [, date, clock, seconds = '00', fraction = '', zone, rest] = match;
  if (rest !== '') return zoneProblem(`'${rest?.trim()}' is no UTC offset`);
  if (zone === undefined) return zoneProblem('it has no time zone');
  const wall = `${date}T${clock}:${seconds}`;
  const wallMs = Date.parse(`${wall}Z`);
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString().slice(0, 19) !== wall) {
    return { problem: 'there is no such date or time', hint: form };
  }
  const offset = offsetMinutes(zone);
  if (offset === undefined) return zoneProblem(`there is no UTC offset ${zone}`);
  return BigInt(wallMs - offset * 60_000) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** `2026-11-21 09:42:00.5+00`: as PostgreSQL prints and reads it. */
export function formatUtcMicroseconds(time: UnixMicroseconds): string {
  const microseconds = ((time % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((time - microseconds) / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
  const fraction = String(microseconds).padStart(6, '0').replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}+00`;
}

/** UTC offsets lie between -12:00 and +14:00; PostgreSQL takes a little more, and so do we. */
function offsetMinutes(zone: string): number | undefined {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  const size = Number(hours) * 60 + Number(minutes);
  if (size > 15 * 60 + 59 || Number(minutes) > 59) return undefined;
  return sign === '-' ? 0 - size : size;
}

function zoneProblem(problem: string): TimeProblem {
  return { problem, hint: `${form}: the same clock time is another moment in another zone` };
}
