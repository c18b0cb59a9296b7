import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import { fileNamePart, type DumpedDatabase, type DumpedTable, type NotCaptured } from '../dumpRecord.ts';
import type { LogicalBackupOptions } from '../logicalBackup.ts';
import type { ArchiveStore, StoredArchive } from './archiveStore.ts';
import { describeTable } from './describeTable.ts';
import { storeDump } from './dumpPrograms.ts';
import { joinDumpSession, openDumpSession, type DumpSession } from './dumpSession.ts';
import { findHiddenObjects } from './hiddenObjects.ts';
import { forEachUntilFailure, Pool } from './lanes.ts';
import { chooseLargeObjects } from './largeObjects.ts';
import { explainLockConflict } from './lockConflict.ts';
import { findRewritten, lockTables } from './lockTables.ts';
import { readDefinitions, readSequences } from './manifest.ts';
import { planArchives, type PlannedArchive } from './planArchives.ts';
import { matchFilters, readRelations, type Relation } from './relations.ts';
import { selectRelations, type Selection } from './selectRelations.ts';
import type { DatabaseEntry, DumpServerFacts } from './serverFacts.ts';
import { readTableContent, type TableContent } from './tableContent.ts';

/** What the dumps of all databases of a run have in common. */
export interface DumpEquipment {
  readonly options: LogicalBackupOptions;
  readonly facts: DumpServerFacts;
  readonly programs: ClientPrograms;
  readonly stores: Pool<ArchiveStore>;
}

/** A file of the snapshot. */
export interface StoredFile extends StoredArchive {
  /** Below the directory of the source. */
  readonly path: string;
}

export interface DatabaseDump {
  /** Undefined when the filters name nothing in it. */
  readonly database: DumpedDatabase | undefined;
  readonly files: readonly StoredFile[];
  readonly notCaptured: readonly NotCaptured[];
}

/** How often a snapshot is taken anew because tables were rewritten before they were locked. */
const maxSnapshots = 3;

/** Dumps one database: everything in one snapshot, several pg_dump at once, the rows counted and hashed in it too. */
export async function dumpDatabase(
  ctx: Context,
  entry: DatabaseEntry,
  equipment: DumpEquipment,
): Promise<DatabaseDump> {
  let rewritten: readonly string[] = [];
  for (let attempt = 1; attempt <= maxSnapshots; attempt++) {
    const dump = await dumpInSnapshot(ctx, entry, equipment);
    if ('files' in dump) return dump;
    ({ rewritten } = dump);
    ctx.log.warn({ database: entry.name, rewritten }, 'tables were rewritten while their locks were waited for');
  }
  const names = rewritten.join(', ');
  throw new OperationError('backup-aborted', `tables of ${entry.name} are rewritten all the time: ${names}`, {
    hint: 'TRUNCATE and some ALTER TABLE hide rows from a dump that has begun: run it again when they are done',
    detail: { database: entry.name, rewritten },
  });
}

/** Without a dump when the snapshot no longer sees the rows of these tables. */
async function dumpInSnapshot(
  ctx: Context,
  entry: DatabaseEntry,
  equipment: DumpEquipment,
): Promise<DatabaseDump | { readonly rewritten: readonly string[] }> {
  const { options, facts } = equipment;
  const { filters, layout, progress } = options;
  const connection = { ...options.connection, database: entry.name };
  progress.phase(`reading the catalogue of ${entry.name}`);
  await using session = await openDumpSession(ctx, connection);
  const { sql } = session;
  const all = await readRelations(sql);
  const matches = await matchFilters(sql, filters);
  if (chooses(filters) && matches.schemas.size === 0 && matches.tables.size === 0) {
    const what = `database ${entry.name}`;
    const reason = 'nothing in it matches the filters';
    return { database: undefined, files: [], notCaptured: [{ database: null, what, reason, expected: true }] };
  }
  const selection = selectRelations(all, { filters, matches, fromStandby: facts.fromStandby });
  await lockTables(sql, selection.relations);
  const rewritten = await findRewritten(sql, selection.relations);
  if (rewritten.length > 0) return { rewritten };
  const largeObjects = await chooseLargeObjects(sql, filters);
  const definitions = await readDefinitions(sql, selection.relations);
  const sequences = await readSequences(sql, selection);
  const hidden = facts.superuser ? [] : await findHiddenObjects(sql);

  const directory = fileNamePart(entry.name);
  const plan = planArchives(selection, { directory, layout, largeObjects: largeObjects.dumped });
  const stored = await storeArchives(ctx, { session, plan, selection, entry }, equipment).catch((error: unknown) => {
    throw explainLockConflict(error, entry.name);
  });
  return {
    database: {
      ...databaseFields(entry),
      directory,
      ...definitions,
      ...archivesOf(stored),
      tables: describeTables(selection, stored),
      sequences,
    },
    files: stored.files,
    notCaptured: [...selection.notCaptured, ...largeObjects.notCaptured, ...hidden].map((missing) => ({
      ...missing,
      database: entry.name,
    })),
  };
}

function chooses({ schemas, tables }: LogicalBackupOptions['filters']): boolean {
  return schemas.length > 0 || tables.length > 0;
}

interface StoredArchives {
  readonly files: StoredFile[];
  readonly archives: { readonly planned: PlannedArchive; readonly sizeBytes: number }[];
  readonly contents: Map<Relation, TableContent>;
}

async function storeArchives(
  ctx: Context,
  work: {
    readonly session: DumpSession;
    readonly plan: readonly PlannedArchive[];
    readonly selection: Selection;
    readonly entry: DatabaseEntry;
  },
  { options, facts, programs, stores }: DumpEquipment,
): Promise<StoredArchives> {
  const { session, plan, selection, entry } = work;
  const { progress, jobs, contentHashLimitBytes } = options;
  const connection = { ...options.connection, database: entry.name };
  const utf8 = entry.encoding !== 'SQL_ASCII' && hasOtherNames(selection, [entry, ...facts.roles]);
  const stored: StoredArchives = { files: [], archives: [], contents: new Map() };
  await using opened = new AsyncDisposableStack();
  const countTables = async (inner: Context, tables: readonly Relation[]): Promise<void> => {
    await sessions.use(async ({ sql }) => {
      for (const table of tables) stored.contents.set(table, await readTableContent(sql, table, contentHashLimitBytes));
      inner.signal.throwIfAborted();
    });
  };
  const sessions = new Pool(async () => opened.use(await joinDumpSession(ctx, connection, session.snapshotId)));
  const dumpedTables = [...selection.withData].filter(({ kind }) => kind === 'r');
  progress.phase(`dumping ${entry.name}`, { items: plan.length });
  await forEachUntilFailure(ctx, { items: plan, limit: jobs }, async (inner, planned) => {
    // counting comes first: then the dump finds the table in the server's memory
    await countTables(
      inner,
      planned.part === 'whole' ? dumpedTables : planned.table === undefined ? [] : [planned.table],
    );
    const { snapshotId } = session;
    const run = { connection, database: entry.name, snapshotId, utf8, args: planned.args };
    const archive = await stores.use((store) =>
      storeDump(inner, run, { programs, store, onBytes: (bytes) => progress.advance({ bytes }) }),
    );
    stored.files.push({ ...archive, path: planned.path });
    stored.archives.push({ planned, sizeBytes: archive.sizeBytes });
    progress.advance({ items: 1 });
  });
  return stored;
}

/** Whether pg_dump is told, or tells, names that are not ASCII: in what encoding has to be certain then. */
function hasOtherNames(
  { relations, filterArguments }: Selection,
  others: readonly { readonly name: string }[],
): boolean {
  const names = [...relations.flatMap(({ schema, name }) => [schema, name]), ...others.map(({ name }) => name)];
  return [...names, ...filterArguments].some((name) => /\P{ASCII}/u.test(name));
}

function databaseFields({ name, owner, encoding, collate, ctype, collationVersion }: DatabaseEntry) {
  return { name, owner, encoding, collate, ctype, collationVersion };
}

function archivesOf({ archives }: StoredArchives) {
  const of = (part: PlannedArchive['part']) =>
    archives
      .filter(({ planned }) => planned.part === part)
      .map(({ planned, sizeBytes }) => ({ path: planned.path, sizeBytes }));
  return {
    preData: of('preData')[0] ?? null,
    postData: of('postData')[0] ?? null,
    largeObjects: of('largeObjects')[0] ?? null,
    sequenceValues: of('sequenceValues'),
    whole: of('whole')[0] ?? null,
  };
}

function describeTables(selection: Selection, { archives, contents }: StoredArchives): DumpedTable[] {
  const byTable = new Map(archives.map(({ planned, sizeBytes }) => [planned.table, { path: planned.path, sizeBytes }]));
  return selection.relations
    .filter(({ kind }) => kind !== 'S')
    .map((relation) => ({
      ...describeTable(relation, { withData: selection.withData, contents }),
      archive: byTable.get(relation) ?? null,
    }));
}
