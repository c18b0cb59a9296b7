import type { DescribedDatabase, DescribedServer } from '../../backup/describeDatabases.ts';
import type { DumpedDatabase, DumpRecord } from '../../backup/dumpRecord.ts';

/** A database of a dump beside what was restored of it, read by the same queries. */
export interface RestoredDatabase {
  readonly from: DumpedDatabase;
  readonly is: DescribedDatabase;
  /** The dump holds some of its relations only. */
  readonly partial: boolean;
}

/** A dump beside what was restored of it. */
export interface RestoredDump {
  readonly record: DumpRecord;
  readonly server: DescribedServer;
  readonly databases: readonly RestoredDatabase[];
  /** Of another major version some things read otherwise: definitions as text, rights that came to be. */
  readonly sameMajor: boolean;
}

/** The lines that a comparison finds in each database, with its name. */
export function eachDatabase(
  { databases }: RestoredDump,
  compare: (database: RestoredDatabase) => readonly string[],
): string[] {
  return databases.flatMap((database) => compare(database).map((line) => `${database.from.name}: ${line}`));
}
