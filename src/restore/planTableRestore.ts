import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { ClientPrograms } from '../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../postgres/sqlConnection.ts';
import { schemaExists } from './logical/checkTarget.ts';
import { freeName } from './logical/freeName.ts';
import { requireRestorePrograms } from './logical/restorePrograms.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TableRestoreOptions {
  readonly tables: readonly TableName[];
  /** Login to the server and the database that get the tables. */
  readonly target: ConnectionOptions & { readonly database: string };
  /** Name of the restored table; for one. Default its own where that is free, else with `_restored` behind it. */
  readonly as?: string | undefined;
  /** Replace the rows of the live table. */
  readonly replace: boolean;
  /** Of the server that the tables come from. */
  readonly sourceMajor: number;
  /** Of the pg_dump that wrote the archives, where they come from a dump. */
  readonly dumpMajor?: number;
  readonly programDirectories?: readonly string[];
}

/** Where one table goes. */
export interface PlannedTable {
  readonly from: TableName;
  /** In the schema of `from`. */
  readonly name: string;
  /** The table is there, and its rows are replaced. */
  readonly replaces: boolean;
}

/** All that `applyTableRestore` will do. Making it changed nothing. */
export interface TableRestorePlan {
  readonly target: TableRestoreOptions['target'];
  readonly serverMajor: number;
  /** pg_dump and pg_restore that suit both servers. */
  readonly programs: ClientPrograms;
  readonly tables: readonly PlannedTable[];
}

const restoredSuffix = '_restored';

/**
 * Reads `schema.table`; without a schema it is public. A name with a dot or in capitals is quoted as in SQL, `"A.b".c`.
 * Throws `usage`.
 */
export function parseTableName(text: string): TableName {
  const match = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/.exec(text);
  if (match === null) {
    throw new OperationError('usage', `"${text}" is not the name of a table`, {
      hint: 'write schema.table; a part with a dot in double quotes',
    });
  }
  const plain = (part: string): string => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);
  return { schema: plain(match[1] ?? 'public'), name: plain(match[2] ?? '') };
}

/**
 * Works out under which names tables come back, changing nothing. Throws `not-found` for a schema, or a table to
 * replace, that is not there, `destination-not-empty` for a name that is taken, `postgres-unsupported` for an older
 * server, `program-missing` without a pg_dump for both servers, `usage`, and what connecting throws.
 */
export async function planTableRestore(ctx: Context, options: TableRestoreOptions): Promise<TableRestorePlan> {
  const { target, tables, as, replace, sourceMajor, dumpMajor = sourceMajor, programDirectories = [] } = options;
  if (as !== undefined && (tables.length !== 1 || replace)) {
    throw new OperationError('usage', '--as is for one table that is restored beside the live one', {
      hint: 'leave out --as, or restore the tables one by one without --replace',
    });
  }
  await using sql = await openSqlConnection(ctx, target);
  if (sql.major < sourceMajor) {
    throw new OperationError(
      'postgres-unsupported',
      `cannot restore a table of PostgreSQL ${sourceMajor} into PostgreSQL ${sql.major}`,
      { hint: `restore into a server of version ${sourceMajor} or newer` },
    );
  }
  const programs = await requireRestorePrograms(ctx, {
    programs: ['pg_dump', 'pg_restore'],
    serverMajor: sql.major,
    dumpMajor,
    forServer: true,
    directories: programDirectories,
  });
  const planned: PlannedTable[] = [];
  for (const table of tables) planned.push(await planTable(sql, table, { as, replace }));
  return { target, serverMajor: sql.major, programs, tables: planned };
}

async function planTable(
  sql: SqlConnection,
  from: TableName,
  { as, replace }: Pick<TableRestoreOptions, 'as' | 'replace'>,
): Promise<PlannedTable> {
  if (!(await schemaExists(sql, from.schema))) {
    throw new OperationError('not-found', `the database has no schema "${from.schema}"`, {
      hint: `create it (CREATE SCHEMA "${from.schema}"), or restore the whole schema: restore database --schema`,
    });
  }
  const taken = await takenNames(sql, from.schema);
  if (replace) {
    if (taken.get(from.name) === 'r' || taken.get(from.name) === 'p') return { from, name: from.name, replaces: true };
    throw new OperationError('not-found', `there is no table "${from.schema}"."${from.name}" to replace`, {
      hint: 'leave out --replace: it is then created',
    });
  }
  const name = as ?? (taken.has(from.name) ? freeName(`${from.name}${restoredSuffix}`, new Set()) : from.name);
  if (!taken.has(name)) return { from, name, replaces: false };
  throw new OperationError('destination-not-empty', `there is already a "${from.schema}"."${name}"`, {
    hint: 'choose another name with --as, or drop what an earlier restore left',
    detail: { schema: from.schema, name },
  });
}

/** Names of relations in a schema, with their kinds. */
async function takenNames(sql: SqlConnection, schema: string): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<SqlRow & { name: string; kind: string }>(
    `SELECT relname AS name, relkind::text AS kind FROM pg_catalog.pg_class
      WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)`,
    [schema],
  );
  return new Map(rows.map(({ name, kind }) => [name, kind]));
}
