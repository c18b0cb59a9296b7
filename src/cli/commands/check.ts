import { OperationError } from '../../base/errors.ts';
import { checkRepository, requireClean, type CheckReport, type Finding } from '../../repository/check.ts';
import { parseDataSubset, type DataSubset } from '../../repository/dataSubset.ts';
import { withLock } from '../../repository/lock.ts';
import { snapshotReferences } from '../../snapshot/references.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { formatBytes, formatCount, plural } from '../format.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import type { checkSpec } from '../specs/check.ts';
import { styled } from '../terminal.ts';

type CheckInvocation = Invocation<typeof checkSpec>;

export const run: CommandRun<typeof checkSpec> = async (ctx, invocation) => {
  const { printer } = invocation;
  const data = dataToRead(invocation);
  const repository = await openRepository(ctx, invocation);
  const report = await withLock(ctx, repository, {
    exclusive: false,
    ...lockWait(invocation),
    run: (locked) =>
      checkRepository(locked, repository, {
        references: snapshotReferences,
        progress: printer.progress,
        ...(data === undefined ? {} : { data }),
      }),
  });
  printer.end(true);
  for (const finding of report.errors) printFinding(invocation, 'error', finding);
  for (const finding of report.hints) printFinding(invocation, 'hint', finding);
  printer.result('check_summary', summaryFields(report), () => summaryText(report, data));
  requireClean(report);
};

function dataToRead({ options }: CheckInvocation): DataSubset | undefined {
  const { readData, readDataSubset } = options;
  if (readData && readDataSubset !== undefined) {
    throw new OperationError('usage', '--read-data and --read-data-subset exclude each other', {
      hint: '--read-data reads everything',
    });
  }
  if (readDataSubset !== undefined) return parseDataSubset(readDataSubset);
  return readData ? { kind: 'all' } : undefined;
}

function printFinding({ printer, terminal }: CheckInvocation, severity: 'error' | 'hint', finding: Finding): void {
  const mark = severity === 'error' ? styled(terminal, 'red', 'damaged') : styled(terminal, 'yellow', 'untidy ');
  const { object, problem, hint } = finding;
  printer.result('finding', { severity, ...finding }, () => `${mark}  ${object}: ${problem}\n         ${hint}`);
}

function summaryFields({ stats, errors, hints }: CheckReport): Record<string, unknown> {
  const { indexDocuments, packBytes, packsRead, bytesRead, ...counts } = stats;
  return {
    ...counts,
    index_documents: indexDocuments,
    pack_bytes: packBytes,
    packs_read: packsRead,
    bytes_read: bytesRead,
    num_errors: errors.length,
    num_hints: hints.length,
  };
}

function summaryText({ stats, errors, hints }: CheckReport, data: DataSubset | undefined): string {
  const lines = [
    `${plural(stats.snapshots, 'snapshot')}, ${plural(stats.trees, 'tree')}, ${plural(stats.files, 'file')}, ` +
      `${plural(stats.packs, 'pack')} of ${formatBytes(stats.packBytes)}, ${plural(stats.keys, 'key')}`,
    data === undefined
      ? 'data not read: --read-data does'
      : `${formatCount(stats.packsRead)} of ${plural(stats.packs, 'pack')} read, ${formatBytes(stats.bytesRead)} of content good`,
  ];
  if (errors.length === 0) lines.push(hints.length === 0 ? 'no errors' : 'no errors; nothing is lost');
  return lines.join('\n');
}
