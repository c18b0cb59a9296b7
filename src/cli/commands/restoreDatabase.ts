import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { withReadLock } from '../../repository/readLock.ts';
import { applyLogicalRestore } from '../../restore/applyLogicalRestore.ts';
import { planLogicalRestore, type LogicalRestorePlan, type PlannedDatabase } from '../../restore/planLogicalRestore.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { openRepository, readLock } from '../openRepository.ts';
import { programDirectories, serverText, targetServer, timed } from '../restore/targetServer.ts';
import type { restoreDatabaseSpec } from '../specs/restoreDatabase.ts';

type DatabaseInvocation = Invocation<typeof restoreDatabaseSpec>;

/** Exists on every server; the one to restore is no place to be logged in to. */
const maintenanceDatabase = 'postgres';

export const run: CommandRun<typeof restoreDatabaseSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: databases } = invocation;
  const { host, port, user, database = maintenanceDatabase, source, snapshot } = options;
  const target = await targetServer(invocation, { host, port, user, database }, source);
  const directories = await programDirectories(invocation);
  const repository = await openRepository(ctx, invocation);
  await withReadLock(ctx, repository, {
    ...readLock(invocation),
    run: async (locked) => {
      printer.progress.phase('planning');
      const plan = await planLogicalRestore(locked, repository, {
        selector: { text: snapshot, source },
        databases,
        into: options.into,
        schema: options.schema,
        existing: options.clean ? 'replace' : 'refuse',
        owners: !options.noOwner,
        grants: !options.noAcl,
        globals: options.withGlobals,
        target: { ...target, database },
        programDirectories: directories,
      });
      if (!options.dryRun) return apply(locked, invocation, plan);
      printer.end(true);
      printer.result('plan', planFields(plan), () => `Would restore:\n${planText(plan)}`);
      tellLacking(invocation, plan);
    },
  });
};

async function apply(ctx: Context, invocation: DatabaseInvocation, plan: LogicalRestorePlan): Promise<void> {
  const { printer, options } = invocation;
  const { jobs, keepFailed } = options;
  const { progress } = printer;
  const { ms } = await timed(ctx, () => applyLogicalRestore(ctx, plan, { jobs, keepFailed, progress }));
  printer.end(true);
  printer.result('restored', { ...planFields(plan), seconds: ms / 1000 }, () => {
    return `Restored in ${formatDuration(ms)}:\n${planText(plan)}`;
  });
  const kept = plan.globals?.keptRoles ?? [];
  if (kept.length > 0) printer.remark(`Roles that were there are as they were: ${kept.map(visible).join(', ')}`);
  const unexpected = tellLacking(invocation, plan);
  if (unexpected === 0) return;
  throw new OperationError('incomplete', `the dump lacks ${plural(unexpected, 'thing')} that it should hold`, {
    hint: 'all that it holds is restored; the warnings say what is lacking, and which right the backup needs',
    detail: { snapshot: plan.dump.snapshot.id },
  });
}

/** Says what the databases had and do not get; how much of it the backup should have held. */
function tellLacking({ printer }: DatabaseInvocation, { databases }: LogicalRestorePlan): number {
  const lacking = databases.flatMap(({ from, lacking: parts }) =>
    parts.map((part) => ({ ...part, database: from.name })),
  );
  for (const { database, what, reason, expected } of lacking) {
    const text = visible(`not in the dump of ${database}: ${what}: ${reason}`);
    if (expected) printer.remark(text);
    else printer.warn(text);
  }
  return lacking.filter(({ expected }) => !expected).length;
}

const actionTexts: Readonly<Record<PlannedDatabase['action'], string>> = {
  create: 'new',
  fill: 'was there, empty',
  replace: 'the one that is there is dropped when the new one is complete',
  add: 'was there, gets the schema',
};

function planText({ dump, target, serverVersion, databases, schema, globals }: LogicalRestorePlan): string {
  const { record, snapshot } = dump;
  const rows: (readonly [string, string])[] = [
    ['backup', `${snapshot.id.slice(0, 8)} of ${record.source}, as at ${record.snapshotTime}`],
    ['server', `${serverText(target)}, PostgreSQL ${serverVersion}`],
    ...databases.map(({ from, name, action, tables, sizeBytes }) => {
      const renamed = from.name === name ? '' : `${from.name} as `;
      const part = schema === undefined ? '' : `schema ${schema}, `;
      const amount = `${plural(tables, 'table')}, ${formatBytes(sizeBytes)}`;
      return ['database', visible(`${renamed}${name}: ${part}${amount} (${actionTexts[action]})`)] as const;
    }),
    ...(globals === undefined ? [] : [['new roles', visible(globals.createdRoles.join(', ') || 'none')] as const]),
  ];
  return rows.map(([title, text]) => `  ${title.padEnd(9)}  ${text}`).join('\n');
}

function planFields({ dump, target, serverVersion, databases, schema, globals }: LogicalRestorePlan) {
  return {
    snapshot_id: dump.snapshot.id,
    source: dump.record.source,
    snapshot_time: dump.record.snapshotTime,
    host: target.host,
    port: target.port,
    server_version: serverVersion,
    schema: schema ?? null,
    databases: databases.map(({ from, name, action, tables, sizeBytes, lacking }) => ({
      from: from.name,
      name,
      action,
      tables,
      size_bytes: sizeBytes,
      lacking,
    })),
    roles_created: globals?.createdRoles ?? [],
    roles_kept: globals?.keptRoles ?? [],
    tablespaces_left: globals?.leftTablespaces ?? [],
  };
}
