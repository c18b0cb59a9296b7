const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000n;
/** Seconds of 400 Gregorian years, after which the calendar repeats. */
const secondsPerCycle = 12_622_780_800;

const rfc3339 = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** A moment together with the UTC offset it was written in; retention counts days in that offset. */
export interface Timestamp {
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly ns: bigint;
  readonly offsetMinutes: number;
}

/** Go's zero time, which stands for "no time given" in documents that restic wrote. */
export const zeroTime: Timestamp = { ns: -62_135_596_800n * nsPerSecond, offsetMinutes: 0 };

/** Reads RFC 3339 with up to nine fraction digits (further ones are cut off); undefined when it is anything else. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [, date = '', clock = '', fraction = '', sign, hours = '0', minutes = '0'] = match;
  const wall = `${date}T${clock}`;
  const wallMs = Date.parse(`${wall}Z`);
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString().slice(0, 19) !== wall) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offsetSize = Number(hours) * 60 + Number(minutes);
  const offsetMinutes = sign === '-' ? 0 - offsetSize : offsetSize;
  const fractionNs = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return { ns: BigInt(wallMs - offsetMinutes * 60_000) * nsPerMs + fractionNs, offsetMinutes };
}

/** The time as Go's RFC3339Nano: fraction without trailing zeros, `Z` for offset 0. Years are those of `formatUtc`. */
export function formatTimestamp(time: Timestamp): string {
  const wall = formatUtc(time.ns + BigInt(time.offsetMinutes) * 60n * nsPerSecond);
  if (time.offsetMinutes === 0) return wall;
  const size = Math.abs(time.offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  return `${wall.slice(0, -1)}${time.offsetMinutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`;
}

/**
 * A moment as RFC3339Nano in UTC. A year before 0 or after 9999, which file systems can hold and RFC 3339 cannot, is
 * written as year 0 or 9999 with the same month, day and clock, as restic does.
 */
export function formatUtc(ns: bigint): string {
  const fraction = mod(ns, nsPerSecond);
  const wall = wallClock(Number((ns - fraction) / nsPerSecond));
  if (fraction === 0n) return `${wall}Z`;
  return `${wall}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}Z`;
}

/** A timestamp in UTC of a JavaScript date. */
export function timestampFromDate(date: Date): Timestamp {
  return { ns: BigInt(date.getTime()) * nsPerMs, offsetMinutes: 0 };
}

/**
 * The wall clock of a timestamp in its own offset, as a Date to be read with the getUTC... methods; to the millisecond.
 */
export function wallDate(time: Timestamp): Date {
  return new Date(Number((time.ns - mod(time.ns, nsPerMs)) / nsPerMs) + time.offsetMinutes * 60_000);
}

function wallClock(seconds: number): string {
  const cycles = Math.floor(seconds / secondsPerCycle);
  const date = new Date((seconds - cycles * secondsPerCycle) * 1000);
  const year = date.getUTCFullYear() + cycles * 400;
  date.setUTCFullYear(Math.min(Math.max(year, 0), 9999));
  return date.toISOString().slice(0, 19);
}

function mod(value: bigint, divisor: bigint): bigint {
  const rest = value % divisor;
  return rest < 0n ? rest + divisor : rest;
}
