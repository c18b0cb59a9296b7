import type { NotCaptured } from '../../backup/dumpRecord.ts';
import { backupLogical, type LogicalBackupResult } from '../../backup/logicalBackup.ts';
import { OperationError } from '../../base/errors.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { prepareSource } from '../postgresSource.ts';
import { styled, type Terminal } from '../terminal.ts';
import { uploadOptions } from './backupSource.ts';
import type { BackUp } from './backUp.ts';
import { snapshotFields } from './snapshotFields.ts';

/** Dumps databases and reports; what a right was missing for makes it fail, though the snapshot is kept. */
export const backUp: BackUp<'dump'> = async (ctx, { invocation, repository, settings, name, config }) => {
  const { printer, terminal, options } = invocation;
  const { host, port, user, database } = options;
  const begunMs = ctx.clock.monotonicMs();
  const { connection } = await prepareSource(name, config, { host, port, user, database });
  const { databases, schemas, excludeSchemas, tables, excludeTables, excludeTableData } = config;
  const { postgresBinaries } = (await invocation.loadConfig()).config;
  const result = await backupLogical(ctx, repository.opening, {
    source: name,
    connection,
    layout: config.layout,
    globals: config.globals,
    filters: { databases, schemas, excludeSchemas, tables, excludeTables, excludeTableData },
    jobs: config.jobs,
    contentHashLimitBytes: config.contentHashLimit,
    programDirectories: postgresBinaries,
    tags: options.tag,
    ...uploadOptions(settings),
    lock: settings.lock,
    progress: printer.progress,
  });
  const durationMs = ctx.clock.monotonicMs() - begunMs;
  printer.end(true);
  printer.result(
    'summary',
    { ...snapshotFields(result, durationMs), total_bytes_processed: result.record.sizeBytes },
    () => summaryText(terminal, result, durationMs),
  );
  const { notCaptured } = result.record;
  for (const missing of notCaptured.filter(({ expected }) => expected)) printer.remark(`  not in it: ${text(missing)}`);
  const lacking = notCaptured.filter(({ expected }) => !expected);
  for (const missing of lacking) printer.warn(`${name}: not captured: ${text(missing)}`);
  // to go on without passwords is what `with-passwords` says; anything else was asked for and is not there
  const asked =
    lacking.length - (config.globals === 'with-passwords' && result.record.globals?.passwords === false ? 1 : 0);
  if (asked > 0) throw incomplete(result, asked);
  return result.snapshot.id;
};

function summaryText(
  terminal: Terminal,
  { snapshot, record, totals }: LogicalBackupResult,
  durationMs: number,
): string {
  const { databases, globals } = record;
  const tables = databases.flatMap((database) => database.tables).filter(({ dataDumped }) => dataDumped);
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const id = styled(terminal, 'bold', snapshot.id.slice(0, 8));
  const added = totals.addedBytes === 0 ? 'nothing new' : `${formatBytes(totals.addedBytes)} new`;
  return [
    `${record.source}: snapshot ${id} in ${formatDuration(durationMs)}, ${plural(databases.length, 'database')} dumped`,
    `  data:    ${formatBytes(record.sizeBytes)}; ${added}, stored in ${formatBytes(totals.storedBytes)}`,
    `  tables:  ${formatCount(tables.length)} with ${plural(rows, 'row')}, in ${databases.map((one) => visible(one.name)).join(', ')}`,
    `  server:  PostgreSQL ${record.serverVersionText}${record.fromStandby ? ', standby' : ''}, pg_dump ${record.dumpVersionText}`,
    `  globals: ${globals === null ? 'none' : globals.passwords ? 'with passwords' : 'without passwords'}`,
    `  restores to ${record.snapshotTime}`,
  ].join('\n');
}

function text({ database, what, reason }: NotCaptured): string {
  return visible(`${what}${database === null ? '' : ` in ${database}`}: ${reason}`);
}

function incomplete({ snapshot, record }: LogicalBackupResult, count: number): OperationError {
  return new OperationError(
    'incomplete',
    `the dump of ${record.source} lacks ${plural(count, 'thing')} that it should hold`,
    {
      hint:
        `the snapshot ${snapshot.id.slice(0, 8)} is kept: grant the role what the warnings name, or say that it is known ` +
        '(excludeSchemas, excludeTables, globals)',
      detail: { snapshot: snapshot.id },
    },
  );
}
