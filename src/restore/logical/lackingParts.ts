import type { DumpedDatabase, DumpRecord, NotCaptured } from '../../backup/dumpRecord.ts';

export type Lack = Pick<NotCaptured, 'what' | 'reason' | 'expected'>;

/**
 * What a database, or one schema of it, had and its dump does not hold: because of the filters of the backup, or
 * because a right was missing. Rows behind foreign tables are not the database's.
 */
export function lackingParts(record: DumpRecord, from: DumpedDatabase, schema: string | undefined): readonly Lack[] {
  const foreign = new Set(
    from.tables.filter(({ kind }) => kind === 'foreign-table').map((one) => `data of foreign table ${nameOf(one)}`),
  );
  const missing = record.notCaptured
    .filter(({ database }) => database === from.name)
    .filter(({ what, expected }) => !(expected && foreign.has(what)))
    .filter(({ what }) => schema === undefined || what.includes(` ${schema}.`))
    .map(({ what, reason, expected }) => ({ what, reason, expected }));
  return [...filteredOut(record), ...missing];
}

function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

/** Tables whose rows alone are excluded are named one by one. */
function filteredOut({ filters }: DumpRecord): Lack[] {
  const { schemas, excludeSchemas, tables, excludeTables } = filters;
  const patterns = Object.entries({ schemas, excludeSchemas, tables, excludeTables }).filter(
    ([, texts]) => texts.length > 0,
  );
  if (patterns.length === 0) return [];
  const reason = patterns.map(([name, texts]) => `${name} ${texts.join(', ')}`).join('; ');
  return [{ what: 'what the filters of the backup leave out', reason, expected: true }];
}
