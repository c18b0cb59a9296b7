import { z } from 'zod';
import { OperationError } from '../../base/errors.ts';
import { parseConnectionUri } from '../../postgres/connectionOptions.ts';
import { withReadLock } from '../../repository/readLock.ts';
import { parseTableName } from '../../restore/planTableRestore.ts';
import { defineStepKind } from '../stepKind.ts';
import { resticRestore, shellWord } from './byHand.ts';
import { tellUnlocked } from './tellUnlocked.ts';

/** Brings tables back, beside the live ones unless told otherwise: as dumped, or as they were at a moment. */
export const restoreTableKind = defineStepKind({
  name: 'restore-table',
  shape: {
    tables: z.array(z.string().min(1)).min(1).describe('Tables, as `schema.table`.'),
    connection: z.string().min(1).describe('URI of the database that gets them; the place for a secret.'),
    source: z.string().min(1).optional().describe('Whose backup; needed where there are several.'),
    snapshot: z.string().min(1).optional().describe('Backup to take; default the newest that fits.'),
    time: z
      .string()
      .min(1)
      .optional()
      .describe('Moment, with a zone, or `latest`: from a physical backup. Default: from a dump.'),
    from: z.string().min(1).optional().describe('Database that had the tables; default the one named like the target.'),
    as: z.string().min(1).optional().describe('Name of the restored table, for one.'),
    replace: z.boolean().default(false).describe('Replace the rows of the live table.'),
    sandbox: z
      .boolean()
      .default(false)
      .describe('Into a copy of the recovered database, which is removed; `connection` only names the database.'),
  },
  secretKeys: ['connection'],
  // a table beside the live one would come twice, under another name
  repeatable: ({ replace, sandbox }) => replace || sandbox,
  check: ({ sandbox, time }) =>
    sandbox && time === undefined ? [{ path: ['sandbox'], message: 'a sandbox needs `time`' }] : [],
  run: async (ctx, { tables, connection, replace, ...options }, step) => {
    const login = parseConnectionUri(step.fill(connection).reveal());
    const { database } = login;
    if (database === undefined) {
      throw new OperationError('plan-invalid', `step ${step.step} does not say into which database`, {
        hint: 'name it in the connection URI: postgresql://user@host/database',
      });
    }
    const repository = await step.services.repository(ctx);
    const names = tables.map(parseTableName);
    const restored = await withReadLock(ctx, repository, {
      onUnlocked: tellUnlocked(step),
      run: (locked) =>
        step.services.restoreTables(locked, repository, {
          ...options,
          tables: names,
          target: { ...login, database },
          replace,
        }),
    });
    const { snapshot, consistentAt } = restored;
    const rows = restored.tables.reduce((sum, table) => sum + Number(table.rows), 0);
    const places = restored.tables.map(({ schema, name }) => `${schema}.${name}`).join(', ');
    for (const statement of restored.unmade) step.output(`not made: ${statement}`);
    const notMade = restored.unmade.length === 0 ? null : `${restored.unmade.length} indexes or constraints`;
    return {
      summary: `restored ${places}${notMade === null ? '' : `; ${notMade} could not be made`}`,
      facts: { snapshot, consistentAt, tables: places, rows, notMade },
    };
  },
  byHand: ({ tables, source }) => {
    const files = tables.map((table) => shellWord(`data/${table}.dump`)).join(' ');
    const path = `/${source ?? '<source>'}/<database>`;
    return [
      resticRestore({ snapshot: 'latest', kind: 'dump', source, path, target: './restored' }),
      `cd ${shellWord(`./restored${path}`)} && for archive in ${files}; do pg_restore -f - "$archive"; done  # look, rename the table, load`,
    ].join('\n');
  },
});
