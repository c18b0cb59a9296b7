import type { Context } from '../../base/context.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { awaitArchiving } from '../backup/awaitArchiving.ts';
import { backupSource, type BackupSettings } from '../backup/backupSource.ts';
import { badPageTexts, summaryFields, summaryText, type FinishedBackup } from '../backup/describeBackup.ts';
import { gapNote } from '../backup/gapNote.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { plural } from '../format.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { selectSources, type PostgresSource } from '../postgresSource.ts';
import type { backupSpec } from '../specs/backup.ts';

const defaultArchiveTimeoutMs = 60_000;

type BackupInvocation = Invocation<typeof backupSpec>;

export const run: CommandRun<typeof backupSpec> = async (ctx, invocation) => {
  const { options, arguments: names } = invocation;
  const { host, port, user, database } = options;
  const sources = await selectSources(await invocation.loadConfig(), names, { host, port, user, database });
  const { compression, packSizeBytes } = await invocation.repositorySettings();
  const settings = { options, upload: { compression, packSizeBytes }, lock: lockWait(invocation) };
  const repository = await beginOpening(ctx, invocation);
  const failures: OperationError[] = [];
  for (const source of sources) {
    try {
      await backupAndReport(ctx, { invocation, repository, settings, source });
    } catch (error) {
      if (!isOperationError(error) || ctx.signal.aborted || sources.length === 1) throw error;
      failures.push(error);
      const hint = error.hint === undefined ? '' : ` (${error.hint})`;
      invocation.printer.warn(`${source.name}: ${error.message}${hint}`);
    }
  }
  if (failures.length > 0) throw severalFailed(failures, sources.length);
};

/** Opening takes as long as the checkpoint on the server, so both go on together; but nobody is asked meanwhile. */
async function beginOpening(
  ctx: Context,
  invocation: BackupInvocation,
): Promise<{ readonly opening: Promise<Repository> }> {
  const opening = openRepository(ctx, invocation);
  opening.catch(() => undefined); // whoever waits for it sees the error
  if ((await invocation.repositorySettings()).password.kind === 'none') await opening;
  return { opening };
}

interface SourceRun {
  readonly invocation: BackupInvocation;
  readonly repository: { readonly opening: Promise<Repository> };
  readonly settings: BackupSettings;
  readonly source: PostgresSource;
}

async function backupAndReport(ctx: Context, { invocation, repository, settings, source }: SourceRun): Promise<void> {
  const { printer, terminal } = invocation;
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
}

async function reportArchiving(
  ctx: Context,
  { invocation, repository, backup }: Pick<SourceRun, 'invocation' | 'repository'> & { backup: FinishedBackup },
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

function severalFailed(failures: readonly OperationError[], sources: number): OperationError {
  const [first] = failures;
  return new OperationError(first!.code, `${failures.length} of ${plural(sources, 'source')} failed`, {
    hint: 'see the warnings above; the other sources were backed up',
    detail: { failures: failures.map(({ code, message }) => ({ code, message })) },
    cause: first,
  });
}
