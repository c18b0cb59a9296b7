const durationUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** What a duration looks like, for messages. */
export const durationForm = 'a duration such as 90s, 15m, 1h30m or 7d';

/** What a size looks like, for messages. */
export const sizeForm = 'a size such as 16MiB or 4GiB';

/** Milliseconds of `90s`, `1h30m`, `7d`, `250ms`, `1.5h`; undefined when the text is none (a unit is required). */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|[smhdw])/g)) {
    totalMs += Number(amount) * durationUnitsMs[unit!]!;
  }
  return Math.round(totalMs);
}

/** Bytes of `16MiB`, `512K`, `1048576`; units are powers of two. Undefined when the text is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(B|[KMGT]iB|[KMGT])?$/.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * sizeUnits[match[2] ?? 'B']!);
}

/** A span in restic's calendar units (years, months, days, hours), as `--keep-within` takes it. */
export const calendarSpanPattern = /^(\d+[ymdh])+$/;
