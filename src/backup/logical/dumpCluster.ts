import type { Context } from '../../base/context.ts';
import { requireClientPrograms, type ClientPrograms } from '../../postgres/clientPrograms.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { withLock } from '../../repository/lock.ts';
import type { Repository } from '../../repository/repository.ts';
import { Upload } from '../../repository/upload.ts';
import { globalsFileName, serializeDumpRecord, type DumpRecord, type NotCaptured } from '../dumpRecord.ts';
import type { LogicalBackupOptions, LogicalBackupResult } from '../logicalBackup.ts';
import { madeDirectory, recordFileName, saveSmallFile, saveSourceSnapshot } from '../sourceSnapshot.ts';
import { ArchiveStore } from './archiveStore.ts';
import { chooseDatabases } from './chooseDatabases.ts';
import { dumpDatabase, type DatabaseDump, type DumpEquipment, type StoredFile } from './dumpDatabase.ts';
import { storeGlobals } from './dumpPrograms.ts';
import { Pool } from './lanes.ts';
import { findParentDump } from './parentDump.ts';
import { refuseUnmatched } from './refuseUnmatched.ts';
import { saveTree } from './saveTree.ts';
import { readDatabaseEntries, readDumpServerFacts, type DatabaseEntry, type DumpServerFacts } from './serverFacts.ts';

/** The server as it was found, before anything is stored. */
interface Survey {
  readonly facts: DumpServerFacts;
  readonly entries: readonly DatabaseEntry[];
  readonly notCaptured: readonly NotCaptured[];
  readonly programs: ClientPrograms;
}

export async function dumpCluster(
  outer: Context,
  opening: Promise<Repository>,
  options: LogicalBackupOptions,
): Promise<LogicalBackupResult> {
  const startTime = outer.clock.now();
  options.progress.phase('looking at the server');
  const survey = await lookAtServer(outer, options);
  const repository = await opening;
  return withLock(outer, repository, {
    exclusive: false,
    ...options.lock,
    run: async (ctx) => {
      const parent = await findParentDump(ctx, repository, options);
      await using upload = await Upload.begin(ctx, repository, options);
      const polynomial = repository.config.chunkerPolynomial;
      const stores = new Pool(() => new ArchiveStore(upload, polynomial));
      const equipment = { options, facts: survey.facts, programs: survey.programs, stores };
      const snapshotTime = ctx.clock.now();
      const globals = await dumpGlobals(ctx, equipment);
      const dumps: DatabaseDump[] = [];
      for (const entry of survey.entries) dumps.push(await dumpDatabase(ctx, entry, equipment));
      const files = [...globals.files, ...dumps.flatMap((dump) => dump.files)];
      const record = composeRecord({ options, survey, dumps, globals, files }, [
        startTime,
        snapshotTime,
        ctx.clock.now(),
      ]);
      options.progress.phase('saving the snapshot');
      const attributes = madeDirectory(options.source, snapshotTime);
      const recordFile = await saveSmallFile(upload, attributes, {
        name: recordFileName,
        bytes: serializeDumpRecord(record),
      });
      const entries = [...(await saveTree(upload, files, snapshotTime)), recordFile];
      const saved = await saveSourceSnapshot(
        ctx,
        { repository, upload },
        {
          kind: 'dump',
          source: options.source,
          time: snapshotTime,
          attributes,
          entries,
          options: { ...options, parent },
        },
      );
      return { ...saved, record };
    },
  });
}

async function lookAtServer(ctx: Context, options: LogicalBackupOptions): Promise<Survey> {
  await using sql = await openSqlConnection(ctx, options.connection);
  const facts = await readDumpServerFacts(sql);
  const databases = chooseDatabases(await readDatabaseEntries(sql), options.filters.databases);
  const programs = await requireClientPrograms(ctx, {
    major: sql.major,
    programs: ['pg_dump', 'pg_dumpall'],
    directories: options.programDirectories ?? [],
  });
  await refuseUnmatched(ctx, options, databases.entries);
  return { facts, ...databases, programs };
}

interface Globals {
  readonly files: readonly StoredFile[];
  readonly passwords: boolean;
  readonly notCaptured: readonly NotCaptured[];
}

async function dumpGlobals(ctx: Context, { options, facts, programs, stores }: DumpEquipment): Promise<Globals> {
  const { globals, connection, progress } = options;
  if (globals === 'none') return { files: [], passwords: false, notCaptured: [] };
  const passwords = globals === 'with-passwords' && facts.readsPasswords;
  progress.phase('dumping roles and tablespaces');
  const stored = await stores.use((store) =>
    storeGlobals(ctx, { connection, passwords }, { programs, store, onBytes: (bytes) => progress.advance({ bytes }) }),
  );
  const denied = globals === 'with-passwords' && !passwords;
  const what = 'passwords of roles';
  const reason = denied
    ? 'the role may not read pg_authid; `globals: without-passwords` says that this is known'
    : '`globals: without-passwords`';
  return {
    files: [{ ...stored, path: globalsFileName }],
    passwords,
    notCaptured: passwords ? [] : [{ database: null, what, reason, expected: !denied }],
  };
}

interface Parts {
  readonly options: LogicalBackupOptions;
  readonly survey: Survey;
  readonly dumps: readonly DatabaseDump[];
  readonly globals: Globals;
  readonly files: readonly StoredFile[];
}

function composeRecord(
  { options, survey, dumps, globals, files }: Parts,
  [startTime, snapshotTime, stopTime]: readonly [Date, Date, Date],
): DumpRecord {
  const { superuser: _superuser, readsPasswords: _readsPasswords, ...facts } = survey.facts;
  const [globalsFile] = globals.files;
  return {
    format: 1,
    kind: 'dump',
    source: options.source,
    layout: options.layout,
    startTime: startTime.toISOString(),
    snapshotTime: snapshotTime.toISOString(),
    stopTime: stopTime.toISOString(),
    ...facts,
    dumpVersionText: survey.programs.version,
    filters: options.filters,
    globals:
      globalsFile === undefined
        ? null
        : { path: globalsFile.path, sizeBytes: globalsFile.sizeBytes, passwords: globals.passwords },
    databases: dumps.flatMap(({ database }) => (database === undefined ? [] : [database])),
    notCaptured: [...survey.notCaptured, ...globals.notCaptured, ...dumps.flatMap((dump) => dump.notCaptured)],
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}
