import { availableParallelism } from 'node:os';
import { forEachConcurrently } from '../../base/concurrency.ts';
import type { Context } from '../../base/context.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { readDatabases, type Database } from '../../postgres/databaseCatalog.ts';
import { openSqlConnection, type SqlConnection } from '../../postgres/sqlConnection.ts';

const maxSessions = 4;

/** A recovered cluster that takes connections. */
export class RestoredCluster {
  readonly major: number;
  readonly #connection: ConnectionOptions;

  constructor(connection: ConnectionOptions, major: number) {
    this.#connection = connection;
    this.major = major;
  }

  /** One session; default in the database that the server was started with. */
  async session<T>(ctx: Context, database: string | undefined, work: (sql: SqlConnection) => Promise<T>): Promise<T> {
    await using sql = await openSqlConnection(ctx, {
      ...this.#connection,
      ...(database === undefined ? {} : { database }),
    });
    return await work(sql);
  }

  databases(ctx: Context): Promise<readonly Database[]> {
    return this.session(ctx, undefined, readDatabases);
  }

  /** Names of those that can be connected to. */
  async openDatabases(ctx: Context): Promise<string[]> {
    return (await this.databases(ctx)).filter(({ allowsConnections }) => allowsConnections).map(({ name }) => name);
  }

  /** Does something with every item, in several sessions of one database at once. */
  async forEach<Item>(
    ctx: Context,
    { database, items }: { readonly database: string; readonly items: readonly Item[] },
    work: (sql: SqlConnection, item: Item) => Promise<void>,
  ): Promise<void> {
    const queue = items.values();
    const lanes = Array.from({ length: Math.min(items.length, maxSessions, availableParallelism()) });
    await forEachConcurrently(lanes, lanes.length, () =>
      this.session(ctx, database, async (sql) => {
        for (const item of queue) {
          ctx.signal.throwIfAborted();
          await work(sql, item);
        }
      }),
    );
  }
}
