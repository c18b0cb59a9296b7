import type { DumpedDatabase } from '../backup/dumpRecord.ts';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { ClientPrograms } from '../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection } from '../postgres/sqlConnection.ts';
import type { Repository } from '../repository/repository.ts';
import { findDump, type Dump, type DumpSelector } from './loadDump.ts';
import {
  databaseExists,
  isEmptyDatabase,
  requireCreateDatabase,
  requireExtensions,
  requireMajor,
  roleNames,
  schemaExists,
} from './logical/checkTarget.ts';
import { planGlobals, type GlobalsPlan } from './logical/globals.ts';
import { lackingParts, type Lack } from './logical/lackingParts.ts';
import { neededRoles, requireRoles } from './logical/neededRoles.ts';
import { archiveEntries } from './logical/pgRestore.ts';
import { requireRestorePrograms } from './logical/restorePrograms.ts';
import { databaseProperties, type DatabaseDefinition } from './logical/workDatabase.ts';

export interface LogicalRestoreOptions {
  readonly selector: DumpSelector;
  /** Names of databases; empty means all of the dump. */
  readonly databases: readonly string[];
  /** Another name, for one database. */
  readonly into?: string | undefined;
  /** Only this schema; the database may then be there, without it. */
  readonly schema?: string | undefined;
  /** `replace`: a database that is there is restored anew beside the old one, which is dropped in the end. */
  readonly existing: 'refuse' | 'replace';
  /** Objects get their owners, and rights are granted; without, all belongs to the role of the connection. */
  readonly owners: boolean;
  readonly grants: boolean;
  /** Make the roles of the dump that the server does not have. */
  readonly globals: boolean;
  readonly target: ConnectionOptions;
  /** Directories with PostgreSQL's client programs that come before the usual ones. */
  readonly programDirectories?: readonly string[];
}

/** What becomes of one database. */
export interface PlannedDatabase {
  readonly from: DumpedDatabase;
  readonly name: string;
  /**
   * `create`: it is not there; `fill`: it is there and empty; `replace`: made anew, then the old one is dropped;
   * `add`: it is there, and gets the schema.
   */
  readonly action: 'create' | 'fill' | 'replace' | 'add';
  /** Statements about the database as a whole; for one that gets a schema none. */
  readonly properties: readonly string[];
  /** What of it the dump does not hold. */
  readonly lacking: readonly Lack[];
  readonly tables: number;
  /** Of the archives that are read. */
  readonly sizeBytes: number;
}

/** All that `applyLogicalRestore` will do. Making it changed nothing. */
export interface LogicalRestorePlan {
  readonly dump: Dump;
  readonly target: ConnectionOptions;
  readonly serverVersion: string;
  readonly programs: ClientPrograms;
  readonly databases: readonly PlannedDatabase[];
  readonly schema: string | undefined;
  readonly owners: boolean;
  readonly grants: boolean;
  readonly globals: GlobalsPlan | undefined;
}

/**
 * Works out the restore of a logical backup, changing nothing. Throws `not-found` for a database, schema, extension or
 * role that is missing, `destination-not-empty` for a database that holds something, or that would be replaced by a
 * dump which does not hold all of it, `postgres-unsupported` for an older server, `postgres-denied`, `program-missing`
 * without a pg_restore that reads the dump and suits the server, `usage`, and what `findDump` and connecting throw.
 */
export async function planLogicalRestore(
  ctx: Context,
  repository: Repository,
  options: LogicalRestoreOptions,
): Promise<LogicalRestorePlan> {
  const { schema, owners, grants, target } = options;
  const dump = await findDump(ctx, repository, options.selector);
  const chosen = chooseDatabases(dump, options);
  await using sql = await openSqlConnection(ctx, target);
  requireMajor(dump, sql);
  const programs = await requireRestorePrograms(ctx, {
    programs: ['pg_restore'],
    serverMajor: sql.major,
    dumpMajor: dump.programMajor,
    forServer: false,
    directories: options.programDirectories ?? [],
  });
  const present = await roleNames(sql);
  const globals = options.globals ? await loadGlobals(ctx, dump, present) : undefined;
  const base = { dump, target, serverVersion: sql.serverVersion, programs, schema, owners, grants, globals };
  const databases: PlannedDatabase[] = [];
  for (const { from, name } of chosen) {
    await requireExtensions(sql, from);
    const action = await chooseAction(ctx, sql, { name, options });
    const lacking = lackingParts(dump.record, from, schema);
    if (action === 'replace' && lacking.length > 0) throw notAllOfIt(name, lacking);
    const definition = databaseDefinition(ctx, base, from);
    const properties = action === 'add' ? [] : await databaseProperties(ctx, definition);
    const entries = await archiveEntries(ctx, definition.content(), programs);
    const known = dump.record.roles.map((role) => role.name);
    const needed = neededRoles({ database: from, entries, properties, known, needs: { owners, grants } });
    requireRoles(needed, new Set([...present, ...(globals?.createdRoles ?? [])]), from.name);
    if (action === 'create' || action === 'replace') await requireCreateDatabase(sql);
    databases.push({ from, name, action, properties, lacking, ...amount(from, schema) });
  }
  return { ...base, databases };
}

/** How to make a database of the plan. */
export function databaseDefinition(
  ctx: Context,
  { dump, programs, owners, grants }: Pick<LogicalRestorePlan, 'dump' | 'programs' | 'owners' | 'grants'>,
  from: DumpedDatabase,
): DatabaseDefinition {
  const archive = dump.definitions(from);
  return {
    content: () => ({ name: archive.path, bytes: dump.content(ctx, archive) }),
    programs,
    args: [...(owners ? [] : ['--no-owner']), ...(grants ? [] : ['--no-acl'])],
  };
}

const lacksTold = 5;

function notAllOfIt(name: string, lacking: readonly Lack[]): OperationError {
  const some = lacking.slice(0, lacksTold).map(({ what, reason }) => `${what} (${reason})`);
  const more = lacking.length > lacksTold ? ` and ${lacking.length - lacksTold} more` : '';
  return new OperationError(
    'destination-not-empty',
    `database "${name}" is there, and the dump that would replace it does not hold all: ${some.join('; ')}${more}`,
    {
      hint: 'restore it beside the one that is there with --into, and take over from that what is lacking',
      detail: { database: name, lacking },
    },
  );
}

interface ChosenDatabase {
  readonly from: DumpedDatabase;
  readonly name: string;
}

function chooseDatabases(dump: Dump, { databases, into, schema }: LogicalRestoreOptions): ChosenDatabase[] {
  const names = databases.length > 0 ? [...new Set(databases)] : dump.record.databases.map(({ name }) => name);
  const chosen = names.map((name) => ({ from: dump.database(name), name: into ?? name }));
  if (into !== undefined && chosen.length !== 1) {
    throw new OperationError('usage', `--into is for one database, and ${chosen.length} are meant`, {
      hint: `name the one: ${names.join(', ')}`,
    });
  }
  if (schema === undefined) return chosen;
  const without = chosen.find(({ from }) => !from.schemas.some(({ name }) => name === schema));
  if (without === undefined) return chosen;
  throw new OperationError('not-found', `schema "${schema}" is not in the dump of database "${without.from.name}"`, {
    hint: `it holds: ${without.from.schemas.map(({ name }) => name).join(', ')}`,
  });
}

async function loadGlobals(ctx: Context, dump: Dump, present: ReadonlySet<string>): Promise<GlobalsPlan> {
  const { globals } = dump.record;
  if (globals === null) {
    throw new OperationError('not-found', `snapshot ${dump.snapshot.id.slice(0, 8)} holds no globals`, {
      hint: 'leave out --with-globals, and create the roles by hand',
    });
  }
  const parts: Buffer[] = [];
  for await (const part of dump.content(ctx, globals)) parts.push(part);
  return planGlobals(Buffer.concat(parts).toString('utf8'), present);
}

async function chooseAction(
  ctx: Context,
  sql: SqlConnection,
  { name, options }: { readonly name: string; readonly options: LogicalRestoreOptions },
): Promise<PlannedDatabase['action']> {
  const { schema, existing, target } = options;
  if (schema !== undefined && existing === 'replace') {
    throw new OperationError('usage', '--clean drops a whole database, and only a schema would be restored', {
      hint: `rename the schema that is there (ALTER SCHEMA "${schema}" RENAME TO ...), restore, then drop the old one`,
    });
  }
  if (!(await databaseExists(sql, name))) return 'create';
  if (existing === 'replace' && name === (await currentDatabase(sql))) {
    throw new OperationError('usage', `the database to replace, "${name}", is the one that is logged in to`, {
      hint: 'log in to another one: --database postgres',
    });
  }
  await using inside = await openSqlConnection(ctx, { ...target, database: name });
  if (schema === undefined && (await isEmptyDatabase(inside))) return 'fill';
  if (schema !== undefined && !(await schemaExists(inside, schema))) return 'add';
  if (existing === 'replace') return 'replace';
  const what = schema === undefined ? 'is not empty' : `has a schema "${schema}"`;
  throw new OperationError('destination-not-empty', `database "${name}" ${what}`, {
    hint:
      schema === undefined
        ? 'restore under another name with --into, or replace it with --clean'
        : 'restore into another database with --into, or rename the schema first',
    detail: { database: name },
  });
}

async function currentDatabase(sql: SqlConnection): Promise<unknown> {
  return (await sql.queryOne('SELECT current_database() AS name'))['name'];
}

function amount(from: DumpedDatabase, schema: string | undefined): Pick<PlannedDatabase, 'tables' | 'sizeBytes'> {
  const tables = from.tables.filter((table) => schema === undefined || table.schema === schema);
  const archives = [
    from.whole,
    from.preData,
    from.postData,
    schema === undefined ? from.largeObjects : null,
    ...tables.map(({ archive }) => archive),
  ];
  return {
    tables: tables.length,
    sizeBytes: archives.reduce((sum, archive) => sum + (archive?.sizeBytes ?? 0), 0),
  };
}
