const units = [
  { suffix: 'TiB', bytes: 2 ** 40 },
  { suffix: 'GiB', bytes: 2 ** 30 },
  { suffix: 'MiB', bytes: 2 ** 20 },
  { suffix: 'KiB', bytes: 2 ** 10 },
];

const sizePattern = /^(\d+(?:\.\d+)?) ?(?:(B)|([KMGT])(?:iB)?)?$/;

/** A size for people, as stock restic prints it: `1.234 GiB`, `17 B`. */
export function formatBytes(sizeBytes: number | bigint): string {
  const size = Number(sizeBytes);
  const unit = units.find(({ bytes }) => size >= bytes);
  return unit === undefined ? `${size} B` : `${(size / unit.bytes).toFixed(3)} ${unit.suffix}`;
}

/** Bytes of `16MiB`, `1.5G`, `512K`, `1048576`; units are powers of two. Undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const [, amount, , letter] = sizePattern.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const unit = letter === undefined ? 1 : (units.find(({ suffix }) => suffix[0] === letter)?.bytes ?? 1);
  const size = Math.round(Number(amount) * unit);
  return Number.isSafeInteger(size) ? size : undefined;
}
