import { randomBytes } from 'node:crypto';
import type { DumpArchive, DumpedDatabase } from '../backup/dumpRecord.ts';
import { createContext, type Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { openSqlConnection, type SqlConnection } from '../postgres/sqlConnection.ts';
import type { StagedDatabase } from './applyTableRestore.ts';
import type { Dump } from './loadDump.ts';
import { requireCreateDatabase } from './logical/checkTarget.ts';
import { dropOrphanDatabases, stagingPrefix } from './logical/leftovers.ts';
import {
  archiveEntries,
  entryText,
  loadArchive,
  loadWhatCanBe,
  withEntries,
  type ArchiveContent,
  type RestoreTarget,
  type Unmade,
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

/** A staged database, and what pg_restore said of objects in it that could not be made; the tables are there. */
export interface StagedDump extends StagedDatabase, AsyncDisposable {
  readonly problems: readonly string[];
  /** How the statements begin that failed and make indexes and constraints of the wanted tables themselves. */
  readonly unmade: readonly string[];
}

/**
 * Checks that tables of a dump can be staged on the target server; changes nothing. Throws `not-found` for a table
 * whose rows the dump does not hold, and `postgres-denied`.
 */
export async function checkStaging(ctx: Context, dump: Dump, { database, plan }: StageOptions): Promise<void> {
  const from = dump.database(database);
  for (const { from: table } of plan.tables) findTable(from, table);
  await using sql = await openSqlConnection(ctx, plan.target);
  await requireCreateDatabase(sql);
}

/**
 * Loads tables of a dump, and no rows of others, into a database of their own on the target server, from which
 * `applyTableRestore` takes them; disposing drops it. Of the dump only the definitions and the archives of these
 * tables are read (with `layout: single` the whole database). What else the database had is made as far as this server
 * and role allow: a missing extension is in the way of those tables only that need it. Throws as `applyLogicalRestore`.
 */
export async function stageDumpedTables(
  ctx: Context,
  dump: Dump,
  { database, plan, progress = silentProgress }: StageOptions,
): Promise<StagedDump> {
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
    const staging = new Staging(ctx, { dump, from, target, progress });
    return { ...staged, ...(await staging.load(plan.tables.map((table) => table.from))) };
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

  /** Resolves with what was said of objects that could not be made. */
  async load(tables: readonly TableName[]): Promise<Pick<StagedDump, 'problems' | 'unmade'>> {
    const { postData, whole } = this.#from;
    const definitions = this.#dump.definitions(this.#from);
    this.#progress.phase('restoring definitions');
    const problems = await this.#loadDefinitions(definitions);
    const wanted = await this.#withPartitions(tables, problems);
    this.#progress.phase('restoring rows');
    if (whole !== null) {
      const begins = wanted.flatMap((table) => this.#dataEntries(table));
      const entries = await this.#entries(whole, (text) => begins.some((begin) => text.startsWith(begin)));
      await withEntries(entries, (list) => this.#load(whole, ['--section=data', ...list]));
    }
    for (const table of wanted) {
      const { archive } = findTable(this.#from, table);
      if (archive !== null) await this.#load(archive, []);
    }
    const rest = postData ?? whole;
    if (rest === null) return { problems, unmade: [] };
    this.#progress.phase('building indexes');
    const entries = await this.#entries(rest, (text) => tableParts.test(text));
    const failed = await this.#loadTolerantly(rest, ['--section=post-data'], entries);
    const unmade = failed.statements.filter((statement) => wanted.some((table) => isPartOf(statement, table)));
    return { problems: [...problems, ...failed.problems], unmade };
  }

  async #loadDefinitions(archive: DumpArchive): Promise<readonly string[]> {
    const entries = await this.#entries(archive, (text) => !notStaged.test(text));
    return (await this.#loadTolerantly(archive, ['--section=pre-data'], entries)).problems;
  }

  #loadTolerantly(archive: DumpArchive, args: readonly string[], entries: readonly string[]): Promise<Unmade> {
    return withEntries(entries, (list) => {
      const load = { target: this.#target, args: [...attributes, ...args, ...list] };
      return loadWhatCanBe(this.#ctx, this.#content(archive), load);
    });
  }

  /** The server knows them by now. Partitions that hold rows are tables of the dump as well. */
  async #withPartitions(tables: readonly TableName[], problems: readonly string[]): Promise<TableName[]> {
    await using sql = await openSqlConnection(this.#ctx, {
      ...this.#target.connection,
      database: this.#target.database,
    });
    const found: TableName[] = [];
    for (const table of tables) {
      const tree = await tableTree(sql, table);
      if (tree.length === 0) throw notMade(table, problems);
      for (const { schema, relation } of tree) found.push({ schema, name: relation });
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

  async #entries(archive: DumpArchive, keep: (text: string) => boolean): Promise<string[]> {
    const entries = await archiveEntries(this.#ctx, this.#content(archive), this.#target.programs);
    return entries.filter((line) => keep(entryText(line)));
  }

  #load(archive: DumpArchive, args: readonly string[]): Promise<void> {
    return loadArchive(this.#ctx, this.#content(archive), { target: this.#target, args: [...attributes, ...args] });
  }

  #content(archive: DumpArchive): ArchiveContent {
    return { name: archive.path, bytes: this.#dump.content(this.#ctx, archive) };
  }
}

/** Whether a statement of pg_restore makes an index or a constraint of the table. */
function isPartOf(statement: string, { schema, name }: TableName): boolean {
  const names = [schema, quoted(schema)].flatMap((first) => [name, quoted(name)].map((second) => `${first}.${second}`));
  const places = [' ON ', ' ON ONLY ', 'ALTER TABLE ', 'ALTER TABLE ONLY '];
  return places.some((place) =>
    names.some((text) => {
      const at = statement.indexOf(`${place}${text}`);
      return at >= 0 && /^(?:[\s(]|$)/.test(statement.slice(at + place.length + text.length));
    }),
  );
}

function notMade({ schema, name }: TableName, problems: readonly string[]): OperationError {
  const message = `table "${schema}"."${name}" cannot be made on this server: ${problems.join(' | ').slice(0, 1000)}`;
  return new OperationError('restore-incomplete', message, {
    hint: 'does it need an extension or a right that is missing here?',
    detail: { schema, name, problems },
  });
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
