/** `npm run migrate`: brings the database of DATABASE_URL to the newest migration. */
import pg from 'pg';
import { migrate } from '../src/migrations.ts';
import { loadSettings } from '../src/settings.ts';

const db = new pg.Client({ connectionString: loadSettings().databaseUrl });
await db.connect();
try {
  const applied = await migrate(db);
  console.log(applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`);
} finally {
  await db.end();
}
