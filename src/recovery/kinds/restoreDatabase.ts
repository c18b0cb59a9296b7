import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { parseConnectionUri, type ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { withReadLock } from '../../repository/readLock.ts';
import { applyLogicalRestore } from '../../restore/applyLogicalRestore.ts';
import { findDump, type Dump } from '../../restore/loadDump.ts';
import { planLogicalRestore, type PlannedDatabase } from '../../restore/planLogicalRestore.ts';
import { defineStepKind, type StepResult } from '../stepKind.ts';
import { resticRestore, shellWord } from './byHand.ts';
import { attemptNote, type AttemptNote } from './destination.ts';
import { tellUnlocked } from './tellUnlocked.ts';

/** Exists on every server; the one to restore is no place to be logged in to. */
const maintenanceDatabase = 'postgres';

/** Restores databases of a logical backup. Each gets its name when it is complete, so the step may be repeated. */
export const restoreDatabaseKind = defineStepKind({
  name: 'restore-database',
  shape: {
    connection: z.string().min(1).describe('URI of the server that gets the databases; the place for a secret.'),
    source: z.string().min(1).optional().describe('Source of kind dump; needed where there are several.'),
    snapshot: z.string().min(1).default('latest').describe('Id of the dump, or `latest`.'),
    databases: z.array(z.string().min(1)).default([]).describe('Which of the dump; default all.'),
    into: z.string().min(1).optional().describe('Another name, for one database.'),
    existing: z
      .enum(['refuse', 'replace'])
      .default('refuse')
      .describe('What to do with a database that is there: refuse, or drop it when the new one is complete.'),
    owners: z.boolean().default(true).describe('Objects get their owners.'),
    grants: z.boolean().default(true).describe('Rights are granted.'),
    globals: z.boolean().default(false).describe('Make the roles that the server does not have.'),
  },
  secretKeys: ['connection'],
  repeatable: () => true,
  run: async (ctx, { connection, source, snapshot, ...wanted }, step) => {
    const login = parseConnectionUri(step.fill(connection).reveal());
    const repository = await step.services.repository(ctx);
    return withReadLock(ctx, repository, {
      onUnlocked: tellUnlocked(step),
      run: async (locked) => {
        const selector = { text: snapshot, source };
        const dump = await findDump(locked, repository, selector);
        const { databases, into } = wanted;
        const chosen = databases.length > 0 ? databases : dump.record.databases.map(({ name }) => name);
        const target = serverLogin(login, into === undefined ? chosen : [into]);
        const note = attemptNote(step);
        const done = await madeBefore(locked, target, note);
        const left = chosen.filter((name) => !done.includes(into ?? name));
        const options = { ...wanted, selector, schema: undefined, target, databases: left };
        const programDirectories = await step.services.postgresBinaries();
        const planned: PlannedDatabase[] = [];
        if (left.length > 0) {
          const plan = await planLogicalRestore(locked, repository, { ...options, programDirectories });
          planned.push(...plan.databases);
          const created = planned.filter(({ action }) => action === 'create').map(({ name }) => name);
          note.write(JSON.stringify([...done, ...created]));
          await applyLogicalRestore(locked, plan);
        }
        note.remove();
        return restored(dump, planned, done);
      },
    });
  },
  byHand: ({ source, snapshot, databases, into }) => {
    const name = databases[0] ?? '<database>';
    const path = `/${source ?? '<source>'}/${name}`;
    const target = shellWord(into ?? name);
    const load = `pg_restore --exit-on-error -d ${target}`;
    const directory = `./restored${path}`;
    return [
      resticRestore({ snapshot, kind: 'dump', source, path, target: './restored' }),
      `cd ${shellWord(directory)}`,
      `createdb --template template0 ${target}`,
      `${load} pre-data.dump`,
      `for archive in data/*.dump sequences*.dump large-objects.dump; do`,
      `  if [ -e "$archive" ]; then ${load} "$archive" || { echo "stop here: $archive"; break; }; fi`,
      `done`,
      `${load} post-data.dump`,
    ].join('\n');
  },
});

/** The database that the URL names may be one of those to restore, and is no place to be logged in to then. */
function serverLogin(login: ConnectionOptions, names: readonly string[]): ConnectionOptions {
  const { database } = login;
  return { ...login, database: database === undefined || names.includes(database) ? maintenanceDatabase : database };
}

/**
 * Databases that an attempt which was cut short did not find, and that are there now: a database gets its name when it
 * is complete.
 */
async function madeBefore(ctx: Context, target: ConnectionOptions, note: AttemptNote): Promise<string[]> {
  const names = z.array(z.string()).parse(JSON.parse(note.read() ?? '[]'));
  if (names.length === 0) return [];
  await using sql = await openSqlConnection(ctx, target);
  const rows = await sql.query('SELECT datname AS name FROM pg_catalog.pg_database WHERE datname = ANY ($1)', [names]);
  return rows.map(({ name }) => String(name));
}

function restored(
  { snapshot, record }: Dump,
  planned: readonly PlannedDatabase[],
  done: readonly string[],
): StepResult {
  const names = [...done, ...planned.map(({ name }) => name)].join(', ');
  const lacking = planned.flatMap((database) => database.lacking.map(({ what }) => what));
  return {
    summary: `restored ${names}${lacking.length === 0 ? '' : `; the dump does not hold ${lacking.join(', ')}`}`,
    facts: {
      snapshot: snapshot.id,
      source: record.source,
      consistentAt: record.snapshotTime,
      serverVersion: record.serverVersionText,
      databases: names,
      tables: planned.reduce((sum, { tables }) => sum + tables, 0),
      lacking: lacking.length,
    },
  };
}
