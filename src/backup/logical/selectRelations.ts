import type { DumpFilters, NotCaptured } from '../dumpRecord.ts';
import { exactPattern } from './namePattern.ts';
import type { FilterMatches, Relation } from './relations.ts';

/** What of a database goes into its dump. */
export interface Selection {
  /** Tables, sequences and the like whose definition is dumped (or comes with their extension). */
  readonly relations: readonly Relation[];
  /** Those of them whose rows or value are dumped. */
  readonly withData: ReadonlySet<Relation>;
  /** Sequences whose value comes with the rows of the table that owns them. */
  readonly broughtAlong: ReadonlySet<Relation>;
  /** Arguments of pg_dump for the definitions: the filters and what the role may not read. */
  readonly filterArguments: readonly string[];
  readonly notCaptured: readonly Omit<NotCaptured, 'database'>[];
}

/** Decides as pg_dump does what the filters mean, and leaves out what the role may not read, saying so. */
export function selectRelations(
  all: readonly Relation[],
  { filters, matches, fromStandby }: { filters: DumpFilters; matches: FilterMatches; fromStandby: boolean },
): Selection {
  const notCaptured: Omit<NotCaptured, 'database'>[] = [];
  const missing = (relation: Relation, part: string, reason: string, expected = false): void => {
    notCaptured.push({ what: `${part}${kindWord(relation)} ${relation.schema}.${relation.name}`, reason, expected });
  };
  const named = new Set(all.filter((relation) => isNamed(relation, filters, matches)));
  const tables = new Map([...named].filter(({ kind }) => kind !== 'S').map((relation) => [relation.oid, relation]));
  const wanted = all.filter((relation) =>
    relation.kind === 'S' ? isWantedSequence(relation, named.has(relation), tables) : tables.has(relation.oid),
  );
  const unreadable = wanted.filter(({ reachable, readable, kind }) => !reachable || (!readable && isLocked(kind)));
  for (const relation of unreadable) missing(relation, '', lackingRight(relation));
  const relations = wanted.filter((relation) => !unreadable.includes(relation));

  const withData = new Set<Relation>();
  const withoutData: Relation[] = [];
  for (const relation of relations) {
    const obstacle = dataObstacle(relation, matches, fromStandby);
    if (obstacle === undefined) withData.add(relation);
    else if (obstacle !== 'none of its own') {
      missing(relation, relation.kind === 'S' ? 'value of ' : 'data of ', obstacle.reason, obstacle.expected);
      if (obstacle.exclude) withoutData.push(relation);
    }
  }
  const dataTables = new Set([...withData].filter(({ kind }) => kind === 'r').map(({ oid }) => oid));
  return {
    relations,
    withData,
    broughtAlong: new Set([...withData].filter(({ ownerOid }) => ownerOid !== null && dataTables.has(ownerOid))),
    filterArguments: [
      ...filters.schemas.map((pattern) => `--schema=${pattern}`),
      ...filters.excludeSchemas.map((pattern) => `--exclude-schema=${pattern}`),
      ...filters.tables.map((pattern) => `--table=${pattern}`),
      ...filters.excludeTables.map((pattern) => `--exclude-table=${pattern}`),
      ...filters.excludeTableData.map((pattern) => `--exclude-table-data=${pattern}`),
      ...closedSchemas(unreadable).map((schema) => `--exclude-schema=${exactPattern(schema)}`),
      ...unreadable.map(({ schema, name }) => `--exclude-table=${exactPattern(schema, name)}`),
      ...withoutData.map(({ schema, name }) => `--exclude-table-data=${exactPattern(schema, name)}`),
    ],
    notCaptured,
  };
}

const noFilters: DumpFilters = {
  databases: [],
  schemas: [],
  excludeSchemas: [],
  tables: [],
  excludeTables: [],
  excludeTableData: [],
};
const noMatches: FilterMatches = {
  schemas: new Set(),
  excludeSchemas: new Set(),
  tables: new Set(),
  excludeTables: new Set(),
  excludeTableData: new Set(),
  unmatched: [],
};

/** What a dump of a primary without filters holds. */
export function selectEverything(all: readonly Relation[]): Selection {
  return selectRelations(all, { filters: noFilters, matches: noMatches, fromStandby: false });
}

/** By pg_dump's rules: tables that are named go before schemas; extensions bring their own tables. */
function isNamed(relation: Relation, filters: DumpFilters, matches: FilterMatches): boolean {
  const { oid, schema, extension, configuration } = relation;
  if (extension !== null && configuration === null) return false;
  if (matches.excludeTables.has(oid)) return false;
  if (filters.tables.length > 0) return matches.tables.has(oid);
  if (matches.excludeSchemas.has(schema)) return false;
  return filters.schemas.length === 0 || matches.schemas.has(schema);
}

/** A sequence comes with the table that owns it; an identity sequence only with it. */
function isWantedSequence(sequence: Relation, named: boolean, tables: ReadonlyMap<number, Relation>): boolean {
  if (sequence.extension !== null) return named;
  if (sequence.ownerOid !== null && tables.has(sequence.ownerOid)) return true;
  return named && !sequence.identity;
}

interface Obstacle {
  readonly reason: string;
  readonly expected: boolean;
  /** pg_dump must be told. */
  readonly exclude: boolean;
}

/** Why a relation's rows or value are not dumped. */
function dataObstacle(
  relation: Relation,
  matches: FilterMatches,
  fromStandby: boolean,
): Obstacle | 'none of its own' | undefined {
  const { kind, oid, readable, restricted, unlogged } = relation;
  if (kind === 'p' || kind === 'm') return 'none of its own';
  if (kind === 'f') return { reason: 'its rows are on a foreign server', expected: true, exclude: false };
  if (matches.excludeTableData.has(oid))
    return { reason: 'excluded by excludeTableData', expected: true, exclude: false };
  if (!readable) return { reason: lackingRight(relation), expected: false, exclude: true };
  if (restricted) {
    const reason = 'row security hides rows from this role: it needs BYPASSRLS';
    return { reason, expected: false, exclude: true };
  }
  if (unlogged && fromStandby) return { reason: 'a standby has no unlogged data', expected: true, exclude: false };
  return undefined;
}

function lackingRight({ reachable, schema }: Relation): string {
  return reachable ? 'the role lacks SELECT on it' : `the role lacks USAGE on schema ${schema}`;
}

/** pg_dump locks these before it dumps even their definition, and needs SELECT for it. */
function isLocked(kind: string): boolean {
  return kind === 'r' || kind === 'p';
}

function closedSchemas(unreadable: readonly Relation[]): string[] {
  return [...new Set(unreadable.filter(({ reachable }) => !reachable).map(({ schema }) => schema))];
}

function kindWord({ kind }: Relation): string {
  if (kind === 'S') return 'sequence';
  if (kind === 'm') return 'materialized view';
  return kind === 'f' ? 'foreign table' : 'table';
}
