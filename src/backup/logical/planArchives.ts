import { tableArchivePath } from '../dumpRecord.ts';
import { exactPattern } from './namePattern.ts';
import type { Relation } from './relations.ts';
import type { Selection } from './selectRelations.ts';

/** One archive to be made: where it lies, and what pg_dump is told. */
export interface PlannedArchive {
  readonly part: 'whole' | 'preData' | 'postData' | 'largeObjects' | 'sequenceValues' | 'rows';
  /** Below the directory of the source. */
  readonly path: string;
  readonly args: readonly string[];
  /** For the order: what takes long begins first. */
  readonly sizeBytes: bigint;
  /** With part `rows`. */
  readonly table: Relation | undefined;
}

/** Bounds the command line of one pg_dump. */
const sequencesAtOnce = 500;

/**
 * The archives of a database. Together they hold exactly what one pg_dump with the same filters would: definitions in
 * two, rows in one for each table with the sequences that it owns, other sequences and large objects in their own.
 */
export function planArchives(
  selection: Selection,
  of: { readonly directory: string; readonly layout: 'parts' | 'single'; readonly largeObjects: boolean },
): PlannedArchive[] {
  const { filterArguments } = selection;
  const { directory, layout, largeObjects } = of;
  const unreadable = largeObjects ? ['--blobs'] : ['--no-blobs'];
  const plan = (part: PlannedArchive['part'], name: string, args: readonly string[]): PlannedArchive => ({
    part,
    path: `${directory}/${name}.dump`,
    args,
    sizeBytes: 0n,
    table: undefined,
  });
  if (layout === 'single') return [plan('whole', 'database', [...filterArguments, ...unreadable])];
  const sequences = sequenceArguments(selection);
  const skipped = Map.groupBy(
    selection.relations.filter((one) => one.ownerOid !== null && !selection.withData.has(one)),
    ({ ownerOid }) => ownerOid,
  );
  const archives = [
    plan('preData', 'pre-data', ['--section=pre-data', ...filterArguments, ...unreadable]),
    plan('postData', 'post-data', ['--section=post-data', ...filterArguments, '--no-blobs']),
    ...(largeObjects
      ? [plan('largeObjects', 'large-objects', ['--section=data', '--blobs', '--exclude-table-data=*.*'])]
      : []),
    ...sequences.map((args, at) =>
      plan('sequenceValues', at === 0 ? 'sequences' : `sequences-${at + 1}`, ['--section=data', ...args]),
    ),
    ...[...selection.withData]
      .filter(({ kind }) => kind === 'r')
      .map((table) => ({
        ...plan('rows', '', rowsArguments(table, skipped.get(table.oid))),
        path: tableArchivePath(directory, table),
        sizeBytes: table.sizeBytes,
        table,
      })),
  ];
  return archives.toSorted((a, b) => Number(b.sizeBytes - a.sizeBytes));
}

/** Rows of one table and the values of its sequences, but for those that are not to be read. */
function rowsArguments(table: Relation, skipped: readonly Relation[] = []): string[] {
  return [
    '--section=data',
    '--strict-names',
    `--table=${exactPattern(table.schema, table.name)}`,
    ...skipped.map(({ schema, name }) => `--exclude-table-data=${exactPattern(schema, name)}`),
  ];
}

/** Values of sequences that come with no table's rows. An identity sequence is dumped only where its table is named. */
function sequenceArguments({ relations, withData, broughtAlong }: Selection): string[][] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const sequences = relations.filter((one) => one.kind === 'S' && withData.has(one) && !broughtAlong.has(one));
  const batches: string[][] = [];
  for (let at = 0; at < sequences.length; at += sequencesAtOnce) {
    const names = new Set<string>();
    const owners = new Set<string>();
    for (const sequence of sequences.slice(at, at + sequencesAtOnce)) {
      const owner = sequence.ownerOid === null ? undefined : byOid.get(sequence.ownerOid);
      if (sequence.identity && owner !== undefined) owners.add(exactPattern(owner.schema, owner.name));
      else names.add(exactPattern(sequence.schema, sequence.name));
    }
    batches.push([
      '--strict-names',
      ...[...owners, ...names].map((pattern) => `--table=${pattern}`),
      ...[...owners].map((pattern) => `--exclude-table-data=${pattern}`),
    ]);
  }
  return batches;
}
