/**
 * A closed part of a log, beside it: `app.log.20261122T141500.123Z`, and with `.gz` behind it once the repository has
 * it. The names of the pieces of a log are in the order of what was written.
 */
export interface Piece {
  /** File name of the log. */
  readonly log: string;
  /** Its name without `.gz`: what it is called in a snapshot, for ever. */
  readonly name: string;
  readonly time: Date;
}

export interface FoundPiece extends Piece {
  readonly packed: boolean;
}

export const packedSuffix = '.gz';

const pattern = /^(?<log>.+)\.(?<time>\d{8}T\d{6}\.\d{3}Z)(?<packed>\.gz)?$/;
const temporaryPattern = /^(?<name>.+)-tmp-[0-9a-f]{12}$/;

/** The piece that a file is by its name; undefined for every other file. */
export function parsePieceName(fileName: string): FoundPiece | undefined {
  const { log, time, packed } = pattern.exec(fileName)?.groups ?? {};
  if (log === undefined || time === undefined) return undefined;
  const date = parseTime(time);
  if (Number.isNaN(date.getTime())) return undefined;
  return { log, name: `${log}.${time}`, time: date, packed: packed !== undefined };
}

/** Name of a piece that ends now; it comes after all others of its log even when the clock was set back. */
export function nextPiece(log: string, now: Date, others: Iterable<Piece>): Piece {
  let ms = now.getTime();
  for (const other of others) if (other.log === log) ms = Math.max(ms, other.time.getTime() + 1);
  const time = new Date(ms);
  return { log, name: `${log}.${time.toISOString().replace(/[-:]/g, '')}`, time };
}

/** The log that a file is about that an interrupted run had not finished writing; undefined for every other file. */
export function logOfTemporary(fileName: string): string | undefined {
  const name = temporaryPattern.exec(fileName)?.groups?.['name'];
  return name === undefined ? undefined : (logOfIntent(name) ?? parsePieceName(name)?.log);
}

/** Name of the file that says what a run is about to do to a log. */
export function intentName(log: string): string {
  return `.${log}.understudy-cut`;
}

export function logOfIntent(fileName: string): string | undefined {
  return /^\.(.+)\.understudy-cut$/.exec(fileName)?.[1];
}

function parseTime(text: string): Date {
  const [, year, month, day, hour, minute, rest] = /^(....)(..)(..)T(..)(..)(.+)$/.exec(text) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${rest}`);
}
