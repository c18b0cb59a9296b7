const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1.50 GiB`, `512 B`: four significant characters at most before the unit. */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1023.95 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  return `${value.toFixed(value < 10 ? 2 : 1)} ${sizeUnits[unit]}`;
}

/** `0.42 s`, `9.1 s`, `2:05`, `1:00:09`, `3d 4h`: what a person reads as elapsed or remaining time. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(rest)}` : `${minutes}:${twoDigits(rest)}`;
}

/** `1,234,567`. */
export function formatCount(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `45.2%`; 100.0% only when all is done. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0) return '100.0%';
  const percent = (done / total) * 100;
  return `${(done < total ? Math.min(percent, 99.9) : 100).toFixed(1)}%`;
}

/** `1 file`, `3 files`. */
export function plural(count: number | bigint, singular: string, many = `${singular}s`): string {
  return `${formatCount(count)} ${count == 1 ? singular : many}`;
}

/** `2026-11-22 10:42:07` in the time zone of this process, as restic shows it. */
export function formatLocalTime(moment: Date): string {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}
