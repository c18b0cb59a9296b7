import { backupFiles, type FilesBackupResult } from '../../backup/filesBackup.ts';
import { OperationError } from '../../base/errors.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { styled, type Terminal } from '../terminal.ts';
import { uploadOptions } from './backupSource.ts';
import type { BackUp } from './backUp.ts';
import { snapshotFields } from './snapshotFields.ts';

/** Warnings of one sort that a person gets to read; the record holds more. */
const mostWarnings = 20;

/** Backs up files and reports; what lacks or was written to meanwhile makes it fail although the snapshot is kept. */
export const backUp: BackUp<'files'> = async (ctx, { invocation, repository, settings, name, config }) => {
  const { printer, terminal, options } = invocation;
  const begunMs = ctx.clock.monotonicMs();
  const result = await backupFiles(ctx, await repository.opening, {
    ...config,
    source: name,
    rehash: options.rehash,
    tags: options.tag,
    ...uploadOptions(settings),
    lock: settings.lock,
    progress: printer.progress,
  });
  const durationMs = ctx.clock.monotonicMs() - begunMs;
  printer.end(true);
  printer.result('summary', summaryFields(result, durationMs), () => summaryText(terminal, result, durationMs));
  for (const note of notes(result)) printer.remark(`  ${note}`);
  for (const warning of warnings(result)) printer.warn(`${name}: ${warning}`);
  const shortcoming = shortcomingOf(result);
  if (shortcoming !== undefined) throw shortcoming;
  return result.snapshot.id;
};

function summaryFields(result: FilesBackupResult, durationMs: number): Record<string, unknown> {
  const { files, sizeBytes } = result.record;
  return {
    ...snapshotFields(result, durationMs),
    files_new: files.new,
    files_changed: files.changed,
    files_unmodified: files.unmodified,
    total_files_processed: files.total,
    total_bytes_processed: sizeBytes,
  };
}

function summaryText(terminal: Terminal, { snapshot, record, totals }: FilesBackupResult, durationMs: number): string {
  const { files, directories, excluded, secrets } = record;
  const since = record.parent === null ? 'everything read' : `what changed since ${record.parent.slice(0, 8)}`;
  const id = styled(terminal, 'bold', snapshot.id.slice(0, 8));
  return [
    `${record.source}: snapshot ${id} in ${formatDuration(durationMs)}, ${since}`,
    `  files:  ${formatBytes(record.sizeBytes)} in ${plural(files.total, 'file')}, ${plural(directories, 'directory', 'directories')}`,
    `  new:    ${formatCount(files.new)} new, ${formatCount(files.changed)} changed; ${formatBytes(totals.addedBytes)} stored in ${formatBytes(totals.storedBytes)}`,
    ...(excluded === 0
      ? []
      : [`  left out by patterns: ${plural(excluded, 'file or directory', 'files and directories')}`]),
    ...(secrets.files.count === 0 ? [] : [`  secrets: ${plural(secrets.files.count, 'file')}, held with mode 0600`]),
  ].join('\n');
}

function notes({ record: { missingOptional, vanished } }: FilesBackupResult): string[] {
  return [
    ...missingOptional.map((path) => `not there, and optional: ${visible(path)}`),
    ...(vanished.count === 0 ? [] : [`went away meanwhile: ${plural(vanished.count, 'file')}`]),
  ];
}

function warnings({ record }: FilesBackupResult): string[] {
  const { missing, unreadable, changed, secrets, links } = record;
  return [
    ...missing.map((path) => `${visible(path)} is not there`),
    ...listed(unreadable, ({ path, error }) => `cannot read ${visible(path)}: ${error}`),
    ...listed(changed, (path) => `${visible(path)} was written to each time it was read`),
    ...listed(secrets.exposed, ({ path, mode }) => `others can read the secrets in ${visible(path)} (mode ${mode})`),
    ...links.map((path) => `${visible(path)} is a link, and only the link is backed up: name what it leads to`),
  ];
}

function listed<Item>(
  { count, first }: { readonly count: number; readonly first: readonly Item[] },
  line: (item: Item) => string,
): string[] {
  const lines = first.slice(0, mostWarnings).map(line);
  return count > lines.length ? [...lines, `and ${formatCount(count - lines.length)} more like this`] : lines;
}

function shortcomingOf({ record, snapshot }: FilesBackupResult): OperationError | undefined {
  const { source, outcome, changed } = record;
  const detail = { snapshot: snapshot.id };
  const kept = `the snapshot ${snapshot.id.slice(0, 8)} is kept`;
  if (outcome === 'incomplete') {
    return new OperationError('incomplete', `the backup of ${source} lacks files`, {
      hint: `${kept}, but it is not all that was asked for: see the warnings above`,
      detail,
    });
  }
  if (changed.count === 0) return undefined;
  return new OperationError(
    'source-changed',
    `${plural(changed.count, 'file')} of ${source} changed while being read`,
    {
      hint: `${kept} and holds of them what was read: back up when nothing writes, or exclude them`,
      detail,
    },
  );
}
