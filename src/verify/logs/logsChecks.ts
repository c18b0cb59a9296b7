import { logsDirectoryName, type LogsRecord } from '../../backup/logsRecord.ts';
import { sumUpPieces } from '../../backup/logsSummary.ts';
import { formatBytes } from '../../base/bytes.ts';
import type { FileNode } from '../../snapshot/node.ts';
import type { Loaded } from '../directory/directoryKind.ts';
import { nodesBelow, shownPath } from '../directory/treeContents.ts';
import type { Outcome } from '../proof/checkList.ts';

/** A log that could not be rotated comes with a later snapshot; a person should know. */
export function describeLogs({ record }: Loaded<LogsRecord>): Outcome {
  const pieces = record.logs.reduce((sum, log) => sum + log.pieces, 0);
  const bytes = record.logs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const names = record.logs.map(({ name }) => name).join(', ');
  const actual = `${pieces} pieces, ${formatBytes(bytes)} of ${names === '' ? 'no log' : names}`;
  if (record.problems.length === 0) return { status: 'passed', actual };
  return { status: 'warning', actual, detail: record.problems, hint: 'no line is lost: back up again' };
}

/** Pieces, sizes and times of each log: where record and trees disagree. */
export function compareLogsRecord({ record, contents }: Loaded<LogsRecord>): string[] {
  const wrong: string[] = [];
  const pieces = new Map<string, FileNode>();
  for (const [path, node] of nodesBelow(contents, logsDirectoryName)) {
    if (node.type === 'file') pieces.set(shownPath(path), node);
    else wrong.push(`${shownPath(path)}: a ${node.type} among the pieces of logs`);
  }
  const { logs, strangers } = sumUpPieces(pieces);
  wrong.push(...strangers.map((name) => `${name}: it is no piece of a log`));
  const found = new Map(logs.map((log) => [log.name, log]));
  for (const said of record.logs) {
    const there = found.get(said.name);
    found.delete(said.name);
    if (textOf(there) !== textOf(said)) {
      wrong.push(`${said.name}: the record says ${textOf(said)}, the snapshot holds ${textOf(there)}`);
    }
  }
  wrong.push(...[...found.keys()].map((name) => `${name}: the record does not know this log`));
  for (const { name, sizeBytes } of record.added) {
    if (Number(pieces.get(name)?.size ?? -1n) !== sizeBytes) {
      wrong.push(
        `${name}: the record says that ${sizeBytes} bytes of it came with this snapshot, and they are not there`,
      );
    }
  }
  return wrong;
}

function textOf(log: LogsRecord['logs'][number] | undefined): string {
  if (log === undefined) return 'nothing of it';
  return `${log.pieces} pieces of ${log.sizeBytes} bytes, ended ${log.first} to ${log.last}`;
}
