import pg from 'pg';
import { migrate } from './migrations.ts';
import { seed, type SeedOptions } from './seed.ts';

export interface NewDatabase {
  readonly database: string;
  readonly databaseUrl: string;
  readonly seed: SeedOptions;
}

/** Creates, migrates and seeds a database; an existing one of that name is an error and stays as it is. */
export async function createDatabase(serverUrl: string, options: NewDatabase): Promise<void> {
  const create = `create database ${pg.escapeIdentifier(options.database)} encoding 'UTF8' template template0`;
  await connected(serverUrl, (server) => server.query(create));
  await connected(options.databaseUrl, async (db) => {
    await migrate(db);
    await seed(db, options.seed);
    await db.query('analyze');
  });
}

async function connected(connectionString: string, work: (db: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
