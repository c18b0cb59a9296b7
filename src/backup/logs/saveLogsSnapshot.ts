import { lstatSync } from 'node:fs';
import { NodeMaker } from '../../archiver/nodeMaker.ts';
import type { Context } from '../../base/context.ts';
import type { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Upload, UploadTotals } from '../../repository/upload.ts';
import { compareNodes, type FileNode } from '../../snapshot/node.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { serializeTree } from '../../snapshot/tree.ts';
import type { LogsBackupOptions } from '../logsBackup.ts';
import { logsDirectoryName, serializeLogsRecord, type LogsRecord } from '../logsRecord.ts';
import { sumUpPieces } from '../logsSummary.ts';
import { madeDirectory, recordFileName, saveSmallFile, saveSourceSnapshot } from '../sourceSnapshot.ts';
import type { LogDirectory } from './logDirectory.ts';
import { parsePieceName } from './pieceName.ts';
import type { StoredPieces } from './storedPieces.ts';

interface LogsSnapshot {
  readonly options: LogsBackupOptions;
  readonly startTime: Date;
  readonly directory: LogDirectory;
  readonly earlier: StoredPieces;
  readonly added: readonly FileNode[];
  readonly problems: readonly OperationError[];
}

interface SavedLogs {
  readonly snapshot: Snapshot;
  readonly totals: UploadTotals;
  readonly record: LogsRecord;
  /** Everything that the snapshot holds, by the name of the piece. */
  readonly nodes: ReadonlyMap<string, FileNode>;
}

/** Saves the snapshot: what was added now, and of what was stored before all that is not too old. */
export async function saveLogsSnapshot(
  ctx: Context,
  to: { readonly repository: Repository; readonly upload: Upload },
  logs: LogsSnapshot,
): Promise<SavedLogs> {
  const { options, startTime, earlier, added } = logs;
  const nodes = new Map(earlier.nodes);
  for (const name of nodes.keys()) if (isTooOld(name, startTime.getTime() - options.keepMs)) nodes.delete(name);
  for (const node of added) nodes.set(node.name.toString(), node);
  const record = composeRecord(ctx, logs, nodes);
  const attributes = madeDirectory(options.source, startTime);
  const subtree = await to.upload.saveBlob('tree', serializeTree([...nodes.values()].toSorted(compareNodes)));
  const saved = await saveSourceSnapshot(ctx, to, {
    kind: 'logs',
    source: options.source,
    time: startTime,
    attributes,
    entries: [
      { ...directoryAttributes(logs.directory.path), type: 'dir', subtree },
      await saveSmallFile(to.upload, attributes, { name: recordFileName, bytes: serializeLogsRecord(record) }),
    ],
    options: { ...options, parent: earlier.snapshot },
  });
  return { ...saved, record, nodes };
}

function isTooOld(name: string, oldestMs: number): boolean {
  const piece = parsePieceName(name);
  return piece !== undefined && piece.time.getTime() < oldestMs;
}

function directoryAttributes(directory: string): ReturnType<NodeMaker['directory']> {
  const path = Buffer.from(directory);
  return new NodeMaker().directory({
    path,
    name: Buffer.from(logsDirectoryName),
    stat: lstatSync(path, { bigint: true }),
  });
}

function composeRecord(
  ctx: Context,
  { options, startTime, earlier, added, problems }: LogsSnapshot,
  nodes: ReadonlyMap<string, FileNode>,
): LogsRecord {
  return {
    format: 1,
    kind: 'logs',
    source: options.source,
    directory: options.directory,
    files: [...options.files],
    method: options.method,
    parent: earlier.snapshot?.id ?? null,
    startTime: startTime.toISOString(),
    stopTime: ctx.clock.now().toISOString(),
    keepMs: options.keepMs,
    logs: sumUpPieces(nodes).logs,
    added: added.map(({ name, size }) => ({ name: name.toString(), sizeBytes: Number(size) })),
    problems: problems.map(({ message }) => message),
  };
}
