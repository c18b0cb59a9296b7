import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import {
  readOutsideFiles,
  readServerFacts,
  readSettings,
  readTablespaces,
  type ServerFacts,
  type ServerSettings,
} from '../../postgres/catalog.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import type { PhysicalRecord } from '../physicalRecord.ts';

/** Facts about the running cluster that go into the record of its backup. */
export interface ClusterFacts {
  readonly server: ServerFacts;
  readonly settings: ServerSettings;
  readonly tablespaces: PhysicalRecord['tablespaces'];
  readonly externalFiles: readonly string[];
}

export async function readClusterFacts(sql: SqlConnection): Promise<ClusterFacts> {
  const server = await readServerFacts(sql);
  const settings = await readSettings(sql);
  const tablespaces = (await readTablespaces(sql))
    .filter(({ location, inPlace }) => location !== undefined || inPlace)
    .map(({ oid, name, location, inPlace }) => ({ oid, name, location: location ?? '', inPlace }));
  return { server, settings, tablespaces, externalFiles: (await readOutsideFiles(sql)) ?? [] };
}

type DatabaseRow = SqlRow & {
  oid: number;
  name: string;
  collation: string | null;
  version: string | null;
  connectable: boolean;
};

/** Databases with the collation and extensions that a restored cluster must find on its machine. */
export async function readDatabases(
  ctx: Context,
  sql: SqlConnection,
  connection: ConnectionOptions,
): Promise<PhysicalRecord['databases']> {
  const version = sql.major >= 15 ? 'datcollversion' : 'NULL::pg_catalog.text';
  const rows = await sql.query<DatabaseRow>(`
    SELECT oid, datname AS name, datcollate AS collation, ${version} AS version, datallowconn AS connectable
      FROM pg_catalog.pg_database ORDER BY oid`);
  const databases: PhysicalRecord['databases'] = [];
  for (const { oid, name, collation, version: collationVersion, connectable } of rows) {
    const extensions = connectable ? await readExtensions(ctx, { ...connection, database: name }) : [];
    databases.push({ oid, name, collation, collationVersion, extensions });
  }
  return databases;
}

/** Extensions of one database; none where this role may not connect. */
async function readExtensions(
  ctx: Context,
  connection: ConnectionOptions,
): Promise<PhysicalRecord['databases'][number]['extensions']> {
  try {
    await using sql = await openSqlConnection(ctx, connection);
    const rows = await sql.query<SqlRow & { name: string; version: string }>(
      'SELECT extname AS name, extversion AS version FROM pg_catalog.pg_extension ORDER BY extname',
    );
    return rows.map(({ name, version }) => ({ name, version }));
  } catch (error) {
    if (!isOperationError(error, 'postgres-denied')) throw error;
    ctx.log.warn({ database: connection.database }, 'the extensions of a database are not recorded');
    return [];
  }
}
