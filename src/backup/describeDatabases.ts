import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { openSqlConnection } from '../postgres/sqlConnection.ts';
import type { DumpedDatabase, DumpedTable, DumpRecord } from './dumpRecord.ts';
import { describeTable } from './logical/describeTable.ts';
import { joinDumpSession, openDumpSession, type DumpSession } from './logical/dumpSession.ts';
import { Pool } from './logical/lanes.ts';
import { readDefinitions, readSequences, type Definitions } from './logical/manifest.ts';
import { readRelations, type Relation } from './logical/relations.ts';
import { selectEverything } from './logical/selectRelations.ts';
import { readDatabaseEntries, readDumpServerFacts } from './logical/serverFacts.ts';
import { readTableContent, type TableContent } from './logical/tableContent.ts';

/** A server as the record of a dump would describe it. */
export interface DescribedServer extends Pick<DumpRecord, 'serverVersion' | 'roles'> {
  readonly databases: readonly Pick<
    DumpedDatabase,
    'name' | 'owner' | 'encoding' | 'collate' | 'ctype' | 'collationVersion'
  >[];
}

/** A database as the record of a dump would describe it, all rows counted and hashed. */
export interface DescribedDatabase extends Definitions, Pick<DumpedDatabase, 'sequences'> {
  readonly tables: readonly Omit<DumpedTable, 'archive'>[];
}

/** Reads what the record of a dump says of a server as a whole. */
export async function describeServer(ctx: Context, connection: ConnectionOptions): Promise<DescribedServer> {
  await using sql = await openSqlConnection(ctx, connection);
  const { serverVersion, roles } = await readDumpServerFacts(sql);
  return { serverVersion, roles, databases: await readDatabaseEntries(sql) };
}

/**
 * Reads what a dump of everything in this database would record, in one snapshot and by the same queries, so that a
 * restored database and the record of its dump can be compared part by part.
 */
export async function describeDatabase(
  ctx: Context,
  connection: ConnectionOptions & { readonly database: string },
  { jobs, onTable }: { readonly jobs: number; readonly onTable: () => void },
): Promise<DescribedDatabase> {
  await using session = await openDumpSession(ctx, connection);
  const { sql, snapshotId } = session;
  const selection = selectEverything(await readRelations(sql));
  const contents = new Map<Relation, TableContent>();
  await using opened = new AsyncDisposableStack();
  const sessions = new Pool<DumpSession>(async () => opened.use(await joinDumpSession(ctx, connection, snapshotId)));
  const tables = [...selection.withData].filter(({ kind }) => kind === 'r');
  await forEachConcurrently(tables.toSorted(largestFirst), jobs, (table) =>
    sessions.use(async (joined) => {
      ctx.signal.throwIfAborted();
      contents.set(table, await readTableContent(joined.sql, table, undefined));
      onTable();
    }),
  );
  return {
    ...(await readDefinitions(sql, selection.relations)),
    tables: selection.relations
      .filter(({ kind }) => kind !== 'S')
      .map((relation) => describeTable(relation, { withData: selection.withData, contents })),
    sequences: await readSequences(sql, selection),
  };
}

function largestFirst(one: Relation, other: Relation): number {
  return Number(other.sizeBytes - one.sizeBytes);
}
