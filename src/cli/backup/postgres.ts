import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { plural } from '../format.ts';
import { prepareSource, type PostgresSource } from '../postgresSource.ts';
import { awaitArchiving } from './awaitArchiving.ts';
import type { BackUp, SourceRun } from './backUp.ts';
import { backupSource } from './backupSource.ts';
import { badPageTexts, summaryFields, summaryText, type FinishedBackup } from './describeBackup.ts';
import { gapNote } from './gapNote.ts';

const defaultArchiveTimeoutMs = 60_000;

/** Backs up a cluster and reports; a damaged page makes it fail although the snapshot is kept. */
export const backUp: BackUp<'postgres'> = async (ctx, { invocation, repository, settings, name, config }) => {
  const { printer, terminal, options } = invocation;
  const { host, port, user, database } = options;
  const source = await prepareSource(name, config, { host, port, user, database });
  const backup = await backupSource(
    ctx,
    { repository: repository.opening, progress: printer.progress },
    { source, settings },
  );
  await reportArchiving(ctx, { invocation, repository, backup });
  printer.end(true);
  printer.result('summary', summaryFields(backup), () => summaryText(terminal, backup));
  const { externalFiles, pages } = backup.result.record;
  if (externalFiles.length > 0) printer.remark(`  not in a physical backup: ${externalFiles.join(', ')}`);
  const lostWal = await gapNote(ctx, await repository.opening, backup.result);
  if (lostWal !== undefined) printer.warn(`${source.name}: ${lostWal}`);
  for (const line of badPageTexts(backup)) printer.warn(line);
  if (pages.badCount > 0) throw badPages(source, backup);
  return backup.result.snapshot.id;
};

async function reportArchiving(
  ctx: Context,
  {
    invocation,
    repository,
    backup,
  }: Pick<SourceRun<'postgres'>, 'invocation' | 'repository'> & { backup: FinishedBackup },
): Promise<void> {
  const { printer, options } = invocation;
  const { record } = backup.result;
  const timeoutMs = options.archiveTimeout ?? defaultArchiveTimeoutMs;
  const archiving = await awaitArchiving(ctx, await repository.opening, {
    record,
    timeoutMs,
    progress: printer.progress,
  });
  if (archiving.state !== 'late') return;
  printer.warn(
    `${record.source}: ${plural(archiving.missing.length, 'WAL segment')} of this backup did not reach the archive in time ` +
      `(first ${archiving.missing[0]}): recovery beyond the end of the backup waits for it; see \`understudy wal status\``,
  );
}

function badPages({ name }: PostgresSource, { result: { record, snapshot } }: FinishedBackup): OperationError {
  const { badCount } = record.pages;
  return new OperationError('page-checksum', `${plural(badCount, 'page')} of ${name} with wrong checksums`, {
    hint:
      `the snapshot ${snapshot.id.slice(0, 8)} is kept and holds the damage as it is: restore these relations from an ` +
      'older one, and look at the disk',
    detail: { snapshot: snapshot.id, pages: record.pages },
  });
}
