const units = [
  { long: 'd', short: 'd', ms: 86_400_000 },
  { long: 'h', short: 'h', ms: 3_600_000 },
  { long: 'min', short: 'm', ms: 60_000 },
  { long: 's', short: 's', ms: 1000 },
  { long: 'ms', short: 'ms', ms: 1 },
];

const unitsMs = new Map([...units.map(({ short, ms }) => [short, ms] as const), ['w', 604_800_000]]);

/** A span of time for people, with its two largest units: `4 min 10 s`, `2 d 3 h`, `23 s`, `350 ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  const rounded = durationMs < 1000 ? Math.round(durationMs) : Math.round(durationMs / 1000) * 1000;
  const first = units.findIndex(({ ms }) => rounded >= ms);
  const large = units[first];
  if (large === undefined) return '0 s';
  const small = units[first + 1];
  const count = Math.floor(rounded / large.ms);
  const rest = small === undefined ? 0 : Math.floor((rounded % large.ms) / small.ms);
  return rest === 0 ? `${count} ${large.long}` : `${count} ${large.long} ${rest} ${small?.long}`;
}

/** Milliseconds of `30m`, `26h`, `7d`, `1h30m`, `250ms`; a unit is required. Undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
    totalMs += Number(amount) * (unitsMs.get(unit ?? '') ?? 0);
  }
  return Math.round(totalMs);
}
