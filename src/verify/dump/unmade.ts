import type { DumpedDatabase } from '../../backup/dumpRecord.ts';
import type { Outcome } from '../proof/checkList.ts';
import { shownName } from './differences.ts';
import type { RestoredDatabase } from './restoredDump.ts';

/**
 * Takes what a dump of chosen relations could not make, because it does not hold what it needs, out of what is
 * compared. Tables that hold rows and were not made cannot be judged here: that is told.
 */
export function setApartUnmade(databases: readonly RestoredDatabase[]): {
  readonly databases: readonly RestoredDatabase[];
  readonly untested: readonly string[];
} {
  const untested: string[] = [];
  const comparable = databases.map((database) => {
    if (!database.partial) return database;
    const made = new Set(database.is.tables.map(nameOf));
    const unmade = database.from.tables.filter((table) => !made.has(nameOf(table)));
    const withRows = unmade.filter(({ kind }) => kind !== 'foreign-table');
    untested.push(...withRows.map((table) => `${database.from.name}: ${nameOf(table)}`));
    return { ...database, from: withoutTables(database.from, new Set(unmade.map(nameOf))) };
  });
  return { databases: comparable, untested };
}

/** The outcome of reading what was restored, when some tables could not be. */
export function untestedTables(untested: readonly string[], actual: string): Outcome {
  if (untested.length === 0) return { status: 'passed', actual };
  return {
    status: 'inconclusive',
    actual: `${untested.length} tables cannot be made without what the dump leaves out`,
    detail: untested,
    hint: 'they need types, functions or other objects: choose what is dumped by schema, or leave out less',
  };
}

function withoutTables(from: DumpedDatabase, names: ReadonlySet<string>): DumpedDatabase {
  const stays = ({ schema, table }: { readonly schema: string; readonly table: string }): boolean =>
    !names.has(shownName(schema, table));
  const isOwned = ({ ownedBy }: DumpedDatabase['sequences'][number]): boolean =>
    ownedBy !== null && names.has(nameOf(ownedBy));
  const gone = [...names, ...from.sequences.filter(isOwned).map(nameOf)];
  return {
    ...from,
    tables: from.tables.filter((table) => !names.has(nameOf(table))),
    sequences: from.sequences.filter((sequence) => !isOwned(sequence)),
    constraints: from.constraints.filter(stays),
    policies: from.policies.filter(stays),
    rowSecurity: from.rowSecurity.filter(stays),
    grants: from.grants.filter(({ object }) => {
      const name = object.replace(/^(table|sequence|column) /, '');
      return !gone.some((one) => name === one || name.startsWith(`${one}.`));
    }),
  };
}

function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return shownName(schema, name);
}
