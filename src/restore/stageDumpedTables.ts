import { randomBytes } from 'node:crypto';
import type { DumpArchive, DumpedDatabase } from '../backup/dumpRecord.ts';
import { createContext, type Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { openSqlConnection, type SqlConnection } from '../postgres/sqlConnection.ts';
import type { StagedDatabase } from './applyTableRestore.ts';
import type { Dump } from './loadDump.ts';
import { requireCreateDatabase, requireExtensions } from './logical/checkTarget.ts';
import { dropOrphanDatabases, stagingPrefix } from './logical/leftovers.ts';
import {
  archiveEntries,
  entryText,
  loadArchive,
  withEntries,
  type ArchiveContent,
  type RestoreTarget,
} from './logical/pgRestore.ts';
import { tableTree } from './logical/reshapeTable.ts';
import { quoted } from './logical/sqlStatements.ts';
import { createWorkDatabase } from './logical/workDatabase.ts';
import type { TableName, TableRestorePlan } from './planTableRestore.ts';

export interface StageOptions {
  /** Name of the dumped database that has the tables. */
  readonly database: string;
  readonly plan: TableRestorePlan;
  readonly progress?: Progress;
}

/** What needs roles, and large objects: no table is in need of either. */
const notStaged = /^(USER MAPPING|BLOB|BLOB METADATA|COMMENT - LARGE OBJECT|SECURITY LABEL) /;
/** What belongs to a table and is made behind its rows; the rest would need rows of other tables. */
const tableParts = /^(CONSTRAINT|CHECK CONSTRAINT|INDEX|INDEX ATTACH|ROW SECURITY|COMMENT \S+ (INDEX|CONSTRAINT)) /;

/**
 * Checks that tables of a dump can be staged on the target server; changes nothing. Throws `not-found` for a table
 * whose rows the dump does not hold, or an extension that the server lacks, and `postgres-denied`.
 */
export async function checkStaging(ctx: Context, dump: Dump, { database, plan }: StageOptions): Promise<void> {
  const from = dump.database(database);
  for (const { from: table } of plan.tables) findTable(from, table);
  await using sql = await openSqlConnection(ctx, plan.target);
  await requireExtensions(sql, from);
  await requireCreateDatabase(sql);
}

/**
 * Loads tables of a dump, and no rows of others, into a database of their own on the target server, from which
 * `applyTableRestore` takes them; disposing drops it. Of the dump only the definitions and the archives of these
 * tables are read (with `layout: single` the whole database). Throws as `applyLogicalRestore`.
 */
export async function stageDumpedTables(
  ctx: Context,
  dump: Dump,
  { database, plan, progress = silentProgress }: StageOptions,
): Promise<StagedDatabase & AsyncDisposable> {
  const from = dump.database(database);
  const name = `${stagingPrefix}${randomBytes(4).toString('hex')}`;
  const target: RestoreTarget = { programs: plan.programs, connection: plan.target, database: name };
  let presence: SqlConnection | undefined;
  const staged = {
    connection: plan.target,
    database: name,
    [Symbol.asyncDispose]: async () => {
      await presence?.[Symbol.asyncDispose]();
      await dropStaging(ctx, plan.target, name);
    },
  };
  try {
    const archive = dump.definitions(from);
    const definition = {
      content: () => ({ name: archive.path, bytes: dump.content(ctx, archive) }),
      programs: plan.programs,
      args: attributes,
    };
    {
      await using sql = await openSqlConnection(ctx, plan.target);
      await dropOrphanDatabases(ctx, sql);
      await createWorkDatabase(ctx, sql, { work: name, definition });
    }
    presence = await openSqlConnection(ctx, { ...plan.target, database: name });
    await new Staging(ctx, { dump, from, target, progress }).load(plan.tables.map((table) => table.from));
    return staged;
  } catch (error) {
    await staged[Symbol.asyncDispose]();
    throw error;
  }
}

const attributes = ['--no-owner', '--no-acl', '--no-tablespaces'];

class Staging {
  readonly #ctx: Context;
  readonly #dump: Dump;
  readonly #from: DumpedDatabase;
  readonly #target: RestoreTarget;
  readonly #progress: Progress;

  constructor(ctx: Context, parts: { dump: Dump; from: DumpedDatabase; target: RestoreTarget; progress: Progress }) {
    this.#ctx = ctx;
    this.#dump = parts.dump;
    this.#from = parts.from;
    this.#target = parts.target;
    this.#progress = parts.progress;
  }

  async load(tables: readonly TableName[]): Promise<void> {
    const { postData, whole } = this.#from;
    const definitions = this.#dump.definitions(this.#from);
    this.#progress.phase('restoring definitions');
    await this.#loadEntries(definitions, ['--section=pre-data'], (text) => !notStaged.test(text));
    const wanted = await this.#withPartitions(tables);
    this.#progress.phase('restoring rows');
    if (whole !== null) {
      const begins = wanted.flatMap((table) => this.#dataEntries(table));
      await this.#loadEntries(whole, ['--section=data'], (text) => begins.some((begin) => text.startsWith(begin)));
    }
    for (const table of wanted) {
      const { archive } = findTable(this.#from, table);
      if (archive !== null) await this.#load(archive, []);
    }
    const rest = postData ?? whole;
    this.#progress.phase('building indexes');
    if (rest === null) return;
    await this.#loadEntries(rest, ['--section=post-data'], (text) => tableParts.test(text));
  }

  /** The server knows them by now. Partitions that hold rows are tables of the dump as well. */
  async #withPartitions(tables: readonly TableName[]): Promise<TableName[]> {
    await using sql = await openSqlConnection(this.#ctx, {
      ...this.#target.connection,
      database: this.#target.database,
    });
    const found: TableName[] = [];
    for (const table of tables) {
      for (const { schema, relation } of await tableTree(sql, table)) found.push({ schema, name: relation });
    }
    return found;
  }

  /** How the entries begin that hold the rows of a table, and the values of its sequences. */
  #dataEntries({ schema, name }: TableName): string[] {
    const owned = this.#from.sequences.filter(({ ownedBy }) => ownedBy?.schema === schema && ownedBy.name === name);
    return [
      `TABLE DATA ${schema} ${name} `,
      ...owned.map((sequence) => `SEQUENCE SET ${sequence.schema} ${sequence.name} `),
    ];
  }

  async #loadEntries(archive: DumpArchive, args: readonly string[], keep: (text: string) => boolean): Promise<void> {
    const entries = await archiveEntries(this.#ctx, this.#content(archive), this.#target.programs);
    const kept = entries.filter((line) => keep(entryText(line)));
    await withEntries(kept, (list) => this.#load(archive, [...args, ...list]));
  }

  #load(archive: DumpArchive, args: readonly string[]): Promise<void> {
    return loadArchive(this.#ctx, this.#content(archive), { target: this.#target, args: [...attributes, ...args] });
  }

  #content(archive: DumpArchive): ArchiveContent {
    return { name: archive.path, bytes: this.#dump.content(this.#ctx, archive) };
  }
}

function findTable(from: DumpedDatabase, { schema, name }: TableName): DumpedDatabase['tables'][number] {
  const table = from.tables.find((one) => one.schema === schema && one.name === name);
  if (table === undefined || table.kind === 'materialized-view' || table.kind === 'foreign-table') {
    throw new OperationError('not-found', `the dump of database "${from.name}" has no table "${schema}"."${name}"`, {
      hint: `its schemas are: ${from.schemas.map((one) => one.name).join(', ')}`,
    });
  }
  if (table.dataDumped || table.kind === 'partitioned-table') return table;
  throw new OperationError('not-found', `the dump holds no rows of table "${schema}"."${name}"`, {
    hint: 'they were left out when it was made: take another backup',
  });
}

/** Also after an abort. */
async function dropStaging(ctx: Context, target: TableRestorePlan['target'], name: string): Promise<void> {
  try {
    await using sql = await openSqlConnection(createContext({ log: ctx.log, clock: ctx.clock }), target);
    await sql.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
  } catch (error) {
    ctx.log.error({ database: name, err: error }, 'the staging database could not be dropped');
  }
}
