import { judge, type Outcome } from '../proof/checkList.ts';
import { shownName } from './differences.ts';
import { eachDatabase, type RestoredDatabase, type RestoredDump } from './restoredDump.ts';

type Table = RestoredDatabase['is']['tables'][number];
type Pair = { readonly expected: Table; readonly actual: Table | undefined };

/** Every table of the record is there, of its kind, with exactly as many rows as were dumped. */
export function compareRows(dump: RestoredDump): Outcome {
  const wrong = eachDatabase(dump, (database) =>
    pairs(database).flatMap(({ expected, actual }) => {
      const name = tableName(expected);
      if (actual === undefined) return [`${name} was not restored`];
      if (actual.kind !== expected.kind) return [`${name} is a ${actual.kind}, in the record a ${expected.kind}`];
      // rows that were left out leave the table empty
      const rows = expected.rows ?? (expected.dataDumped ? undefined : 0);
      if (rows === undefined || actual.rows === null || actual.rows === rows) return [];
      return [`${name} has ${actual.rows} rows, in the record ${rows}`];
    }),
  );
  const unknown = eachDatabase(dump, ({ from, is, partial }) => {
    const known = new Set(from.tables.map(tableName));
    // extensions that such a dump does not make bring tables along
    const extra = is.tables.filter((table) => !known.has(tableName(table)) && !(partial && table.extension !== null));
    return extra.map((table) => `${tableName(table)} is not in the record`);
  });
  const all = dump.databases.flatMap(pairs);
  return judge([...wrong, ...unknown], {
    expected: `${sumOf(all.map((one) => one.expected.rows))} rows in ${all.length} tables`,
    actual: `${sumOf(all.map((one) => one.actual?.rows))} rows`,
  });
}

/** The rows of every table are those that were dumped, whatever their order. */
export function compareContent(dump: RestoredDump): Outcome {
  const compared = dump.databases.flatMap(pairs).filter(({ expected }) => expected.contentHash !== null);
  const counted = dump.databases.flatMap(({ from }) => from.tables.filter(({ rows }) => rows !== null));
  if (compared.length === 0) return { status: 'skipped', detail: ['the record holds no hash of any content'] };
  const wrong = eachDatabase(dump, (database) =>
    pairs(database)
      .filter(({ expected }) => expected.contentHash !== null)
      .filter(({ expected, actual }) => actual !== undefined && actual.contentHash !== expected.contentHash)
      .map(({ expected }) => `the rows of ${tableName(expected)} are not those that were dumped`),
  );
  const actual = `${compared.length - wrong.length} of ${counted.length} tables have the content of the record`;
  return judge(wrong, { expected: `${compared.length} hashes of the record`, actual });
}

/** Large objects are counted; those that the dump does not hold are told by `not captured`. */
export function compareLargeObjects(dump: RestoredDump): Outcome {
  const wrong = eachDatabase(dump, ({ from, is }) => {
    const expected = holdsLargeObjects(dump, from.name) ? from.largeObjectCount : 0;
    return is.largeObjectCount === expected ? [] : [`${is.largeObjectCount}, in the record ${expected}`];
  });
  const sum = dump.databases.reduce((total, { is }) => total + is.largeObjectCount, 0);
  return judge(wrong, { actual: `${sum} large objects` });
}

function holdsLargeObjects({ record }: RestoredDump, name: string): boolean {
  return !record.notCaptured.some(({ database, what }) => database === name && /^\d+ large objects$/.test(what));
}

function pairs({ from, is }: RestoredDatabase): Pair[] {
  const found = new Map(is.tables.map((table) => [tableName(table), table]));
  return from.tables.map((expected) => ({ expected, actual: found.get(tableName(expected)) }));
}

function tableName({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return shownName(schema, name);
}

function sumOf(counts: readonly (number | null | undefined)[]): number {
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}
