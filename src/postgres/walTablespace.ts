import { mainData } from './walEvent.ts';
import type { WalRecord } from './walReader.ts';

/** A tablespace that replay makes: PostgreSQL writes at this absolute path of the machine that replays. */
export interface CreatedTablespace {
  readonly oid: number;
  /** Empty for a tablespace in place. */
  readonly location: string;
}

const tablespaceManager = 5;
const createTablespace = 0x00;

/** What the record creates when it is that of a CREATE TABLESPACE, the same in 13 to 18 (commands/tablespace.h). */
export function createdTablespaceOf({ bytes }: WalRecord): CreatedTablespace | undefined {
  if (bytes[17] !== tablespaceManager || (bytes[16]! & 0xf0) !== createTablespace) return undefined;
  const main = mainData(bytes);
  if (main === undefined || main.length < 5) return undefined;
  const end = main.indexOf(0, 4);
  return { oid: main.readUInt32LE(0), location: main.toString('utf8', 4, end < 0 ? main.length : end) };
}
