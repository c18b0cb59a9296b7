const units = [
  ['day', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** `23 s`, `4 min 10 s`, `3 h 20 min`, `2 days 4 h`: the two largest units of a span of time. */
export function spanText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const largest = Math.max(
    0,
    units.findIndex(([, size]) => seconds >= size),
  );
  if (seconds === 0) return '0 s';
  let rest = seconds;
  const parts = units.slice(largest, largest + 2).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count} ${unit === 'day' && count > 1 ? 'days' : unit}`];
  });
  return parts.join(' ');
}

/** What would be lost, in words: `nothing`, or the span. */
export function lossText(milliseconds: number): string {
  return Math.round(milliseconds / 1000) <= 0 ? 'nothing' : spanText(milliseconds);
}

const sizeUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 bytes`, `1.5 MiB`. */
export function sizeText(bytes: number): string {
  const power = Math.min(sizeUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${sizeUnits[power]}`;
}

/** `2026-11-22 10:42 UTC`: in sentences that travel. */
export function momentText(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
