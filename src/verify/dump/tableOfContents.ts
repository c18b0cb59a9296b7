import type { DumpedDatabase } from '../../backup/dumpRecord.ts';

/** How entries of tables of contents begin, without owners. */
export interface KnownEntries {
  /** Those that the record's facts need to come back. */
  readonly needed: ReadonlySet<string>;
  /** Those that may be there besides. */
  readonly possible: ReadonlySet<string>;
  /** Names in unknown encodings are not compared. */
  readonly asciiOnly: boolean;
}

const kindsOfTables = {
  'table': 'TABLE',
  'partition': 'TABLE',
  'partitioned-table': 'TABLE',
  'materialized-view': 'MATERIALIZED VIEW',
  'foreign-table': 'FOREIGN TABLE',
} as const;

/** Of these kinds the record knows every object. */
const comparedKinds = new RegExp(
  '^(TABLE(?! ATTACH )|TABLE DATA|MATERIALIZED VIEW(?! DATA )|FOREIGN TABLE|' +
    'CONSTRAINT|FK CONSTRAINT|POLICY|ROW SECURITY|EXTENSION|SEQUENCE SET) ',
);

/** Made by initdb, and so in no dump. */
const builtInExtension = 'plpgsql';

/** The entry with the rows of a table. */
export function dataEntry({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return entry('TABLE DATA', schema, name);
}

/** What the archives of a database hold together, if its record is true. */
export function knownEntries(database: DumpedDatabase, { partial }: { readonly partial: boolean }): KnownEntries {
  const { tables, constraints, policies, rowSecurity, extensions, sequences, encoding } = database;
  const ofExtensions = new Set(tables.filter(({ extension }) => extension !== null).map(tableKey));
  const own = <T extends { readonly schema: string; readonly table: string }>(all: readonly T[]): T[] =>
    all.filter((one) => !ofExtensions.has(tableKey({ schema: one.schema, name: one.table })));
  const extensionEntries = extensions
    .filter(({ name }) => name !== builtInExtension)
    .map(({ name }) => entry('EXTENSION', '-', name));
  const needed = [
    ...tables
      .filter(({ extension }) => extension === null)
      .map((one) => entry(kindsOfTables[one.kind], one.schema, one.name)),
    ...tables.filter(({ dataDumped }) => dataDumped).map(dataEntry),
    ...own(constraints)
      .filter(isIndexed)
      .map((one) => entry('CONSTRAINT', one.schema, one.table, one.name)),
    ...own(policies).map((one) => entry('POLICY', one.schema, one.table, one.name)),
    ...own(rowSecurity).map((one) => entry('ROW SECURITY', one.schema, one.table)),
    ...sequences
      .filter(({ lastValue }) => lastValue !== null)
      .map(({ schema, name }) => entry('SEQUENCE SET', schema, name)),
    ...(partial ? [] : extensionEntries),
  ];
  const possible = [
    // those of partitions come with their parent's
    ...own(constraints)
      .filter(isForeignKey)
      .map((one) => entry('FK CONSTRAINT', one.schema, one.table, one.name)),
    ...sequences.map(({ schema, name }) => entry('SEQUENCE SET', schema, name)),
    ...extensionEntries,
  ];
  return { needed: new Set(needed), possible: new Set(possible), asciiOnly: encoding === 'SQL_ASCII' };
}

/** What tables of contents and a record do not agree on, a line each. */
export function compareEntries(entries: readonly string[], { needed, possible, asciiOnly }: KnownEntries): string[] {
  const found = new Set<string>();
  const unknown: string[] = [];
  for (const text of entries) {
    if (!comparedKinds.test(text) || (asciiOnly && !isAscii(text))) continue;
    const known = longestBeginning(text, (begin) => needed.has(begin) || possible.has(begin));
    if (known === undefined) unknown.push(`${text} is in the dump and not in its record`);
    else found.add(known);
  }
  const missing = [...needed].filter((begin) => !found.has(begin) && !(asciiOnly && !isAscii(begin)));
  return [...missing.map((begin) => `${begin} is in the record and not in the dump`), ...unknown];
}

function tableKey({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}

/** As pg_dump writes it: names as they are, on one line. */
function entry(...words: readonly string[]): string {
  return words.join(' ').replaceAll(/[\r\n]/g, ' ');
}

function isIndexed({ definition }: DumpedDatabase['constraints'][number]): boolean {
  return /^(PRIMARY KEY|UNIQUE|EXCLUDE) /.test(definition);
}

function isForeignKey({ definition }: DumpedDatabase['constraints'][number]): boolean {
  return definition.startsWith('FOREIGN KEY ');
}

/** Names may hold spaces, and owners follow: the longest beginning up to a space that is known. */
function longestBeginning(text: string, isKnown: (begin: string) => boolean): string | undefined {
  for (let end = text.length; end > 0; end = text.lastIndexOf(' ', end - 1)) {
    const begin = text.slice(0, end);
    if (isKnown(begin)) return begin;
  }
  return undefined;
}

function isAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- every ASCII character
  return /^[\x00-\x7f]*$/.test(text);
}
