import { z } from 'zod';
import { parseConnectionUri } from '../../postgres/connectionOptions.ts';
import { withLock } from '../../repository/lock.ts';
import { applyLogicalRestore } from '../../restore/applyLogicalRestore.ts';
import { planLogicalRestore } from '../../restore/planLogicalRestore.ts';
import { defineStepKind } from '../stepKind.ts';

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
  run: async (ctx, { connection, source, snapshot, ...options }, step) => {
    const login = parseConnectionUri(step.fill(connection).reveal());
    const repository = await step.services.repository(ctx);
    return withLock(ctx, repository, {
      exclusive: false,
      run: async (locked) => {
        const plan = await planLogicalRestore(locked, repository, {
          ...options,
          selector: { text: snapshot, source },
          schema: undefined,
          target: { ...login, database: login.database ?? maintenanceDatabase },
          programDirectories: await step.services.postgresBinaries(),
        });
        await applyLogicalRestore(locked, plan);
        const names = plan.databases.map(({ name }) => name).join(', ');
        const lacking = plan.databases.flatMap((database) => database.lacking.map(({ what }) => what));
        return {
          summary: `restored ${names}${lacking.length === 0 ? '' : `; the dump does not hold ${lacking.join(', ')}`}`,
          facts: {
            snapshot: plan.dump.snapshot.id,
            source: plan.dump.record.source,
            consistentAt: plan.dump.record.snapshotTime,
            serverVersion: plan.serverVersion,
            databases: names,
            tables: plan.databases.reduce((sum, { tables }) => sum + tables, 0),
            lacking: lacking.length,
          },
        };
      },
    });
  },
  byHand: ({ source, snapshot, databases, into }) => {
    const name = databases[0] ?? '<database>';
    const tree = `/${source ?? '<source>'}/${name}`;
    const target = into ?? name;
    const load = `pg_restore --exit-on-error -d ${target}`;
    return [
      `restic -r <repository> restore ${snapshot}:${tree} --tag kind:dump --target ./dump`,
      `createdb --template template0 ${target}`,
      `${load} ./dump/pre-data.dump`,
      `for archive in ./dump/data/*.dump ./dump/sequences*.dump ./dump/large-objects.dump; do`,
      `  if [ -e "$archive" ]; then ${load} "$archive" || { echo "stop here: $archive"; break; }; fi`,
      `done`,
      `${load} ./dump/post-data.dump`,
    ].join('\n');
  },
});
