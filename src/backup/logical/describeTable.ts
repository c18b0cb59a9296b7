import type { DumpedTable } from '../dumpRecord.ts';
import type { Relation } from './relations.ts';
import type { Selection } from './selectRelations.ts';
import type { TableContent } from './tableContent.ts';

/** What the record says of one table, but where its archive lies. */
export function describeTable(
  relation: Relation,
  { withData, contents }: Pick<Selection, 'withData'> & { readonly contents: ReadonlyMap<Relation, TableContent> },
): Omit<DumpedTable, 'archive'> {
  return {
    schema: relation.schema,
    name: relation.name,
    kind: tableKind(relation),
    unlogged: relation.unlogged,
    dataDumped: withData.has(relation),
    ...(contents.get(relation) ?? { rows: null, contentHash: null }),
    extension: relation.extension,
  };
}

function tableKind({ kind, partition }: Relation): DumpedTable['kind'] {
  if (kind === 'p') return 'partitioned-table';
  if (kind === 'm') return 'materialized-view';
  if (kind === 'f') return 'foreign-table';
  return partition ? 'partition' : 'table';
}
