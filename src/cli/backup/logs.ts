import { backupLogs, type LogsBackupResult } from '../../backup/logsBackup.ts';
import { OperationError } from '../../base/errors.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { styled, type Terminal } from '../terminal.ts';
import type { BackUp } from './backUp.ts';
import { uploadOptions } from './backupSource.ts';
import { snapshotFields } from './snapshotFields.ts';

/** Rotates and stores logs and reports; one that could not be makes it fail although the snapshot is kept. */
export const backUp: BackUp<'logs'> = async (ctx, { invocation, repository, settings, name, config }) => {
  const { printer, terminal, options } = invocation;
  const begunMs = ctx.clock.monotonicMs();
  const { directory, files, method, afterRotate, keepLocal, keep } = config;
  const result = await backupLogs(ctx, repository.opening, {
    source: name,
    directory,
    files,
    method,
    afterRotate,
    keepLocalMs: keepLocal,
    keepMs: keep,
    tags: options.tag,
    ...uploadOptions(settings),
    lock: settings.lock,
    progress: printer.progress,
  });
  const durationMs = ctx.clock.monotonicMs() - begunMs;
  printer.end(true);
  const fields = { ...snapshotFields(result, durationMs), removed: result.removed };
  printer.result('summary', fields, () => summaryText(terminal, result, durationMs));
  const { problems } = result;
  const [first] = problems;
  if (first === undefined) return result.snapshot.id;
  for (const { message, hint } of problems)
    printer.warn(`${name}: ${message}${hint === undefined ? '' : ` (${hint})`}`);
  throw new OperationError(
    problems.length === 1 ? first.code : 'incomplete',
    `rotating ${name} met ${plural(problems.length, 'problem')}`,
    { hint: 'no line is lost: see the warning above, and back up again', detail: { snapshot: result.snapshot.id } },
  );
};

function summaryText(
  terminal: Terminal,
  { snapshot, record, totals, removed }: LogsBackupResult,
  durationMs: number,
): string {
  const id = styled(terminal, 'bold', snapshot.id.slice(0, 8));
  const addedBytes = record.added.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const lines = record.logs.map(
    ({ name, pieces, sizeBytes, first, last }) =>
      `  ${visible(name)}: ${formatBytes(sizeBytes)} in ${plural(pieces, 'piece')}, ended ${first} to ${last}`,
  );
  return [
    `${record.source}: snapshot ${id} in ${formatDuration(durationMs)}, rotated by ${record.method}`,
    `  new:  ${formatBytes(addedBytes)} in ${plural(record.added.length, 'piece')}, stored in ${formatBytes(totals.storedBytes)}`,
    ...lines,
    ...(removed === 0 ? [] : [`  removed here, kept in the repository: ${plural(removed, 'piece')}`]),
  ].join('\n');
}
