import type { Context } from '../../base/context.ts';
import { backupLabelPath } from '../../postgres/backupLabel.ts';
import {
  backupManifestPath,
  formatBackupManifest,
  manifestWalRanges,
  type ManifestFile,
} from '../../postgres/backupManifest.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { TimelineAncestry } from '../../postgres/timeline.ts';
import { majorOfServerVersion } from '../../postgres/version.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Upload, UploadTotals } from '../../repository/upload.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { chunkChecksumsName, serializeChunkChecksums } from '../chunkChecksums.ts';
import { dataDirectoryName, serializePhysicalRecord, type PhysicalRecord } from '../physicalRecord.ts';
import {
  recordFileName,
  saveSmallFile,
  saveSourceSnapshot,
  type NodeAttributes,
  type SourceSnapshotOptions,
} from '../sourceSnapshot.ts';
import { checksumOf, saveClusterTree, type ClusterDirectory, type ClusterFile } from './clusterTree.ts';

/** Everything that a physical backup found and stored, ready to become a snapshot. */
export interface FinishedBackup {
  readonly record: PhysicalRecord;
  readonly directories: readonly ClusterDirectory[];
  /** All files of the data directory, WAL included; without label and manifest. */
  readonly files: readonly ClusterFile[];
  /** `labelfile` of pg_backup_stop, byte for byte. */
  readonly label: string;
  readonly ancestry: TimelineAncestry;
}

/**
 * Adds label, manifest and record, saves the trees, makes everything durable, and then, last, the snapshot: it appears
 * only when all that it needs is there.
 */
export async function savePhysicalSnapshot(
  ctx: Context,
  to: { readonly repository: Repository; readonly upload: Upload },
  backup: FinishedBackup & { readonly options: SourceSnapshotOptions },
): Promise<{ snapshot: Snapshot; totals: UploadTotals }> {
  const { record, options } = backup;
  const root = backup.directories.find((directory) => directory.path === '')!.attributes;
  const label = await saveListedFile(to.upload, root, { name: backupLabelPath, bytes: Buffer.from(backup.label) });
  const manifest = await saveListedFile(to.upload, root, {
    name: backupManifestPath,
    bytes: writeManifest(backup, label),
  });
  const saveTree = (tree: Buffer): Promise<string> => to.upload.saveBlob('tree', tree);
  const data = await saveClusterTree(backup.directories, [...backup.files, label, manifest], saveTree);
  return saveSourceSnapshot(ctx, to, {
    kind: 'postgres',
    source: record.source,
    time: new Date(record.startTime),
    attributes: data,
    entries: [
      { ...data, name: Buffer.from(dataDirectoryName) },
      await saveSmallFile(to.upload, root, { name: recordFileName, bytes: serializePhysicalRecord(record) }),
      await saveSmallFile(to.upload, root, { name: chunkChecksumsName, bytes: chunkChecksumsOf(backup.files) }),
    ],
    options,
  });
}

async function saveListedFile(
  upload: Upload,
  like: NodeAttributes,
  file: { name: string; bytes: Buffer },
): Promise<ClusterFile> {
  const { type: _type, size: _size, content, ...attributes } = await saveSmallFile(upload, like, file);
  return { path: file.name, attributes, sizeBytes: file.bytes.length, content, ...checksumOf(file.bytes) };
}

function chunkChecksumsOf(files: readonly ClusterFile[]): Buffer {
  const kept = files.filter(({ path }) => !path.startsWith('pg_wal/')); // WAL is another one each time
  return serializeChunkChecksums(new Map(kept.map(({ path, chunkCrcs }) => [path, chunkCrcs])));
}

function writeManifest(backup: FinishedBackup, label: ClusterFile): Buffer {
  const { record, ancestry } = backup;
  const range = { begin: parseLsn(record.startLsn), end: parseLsn(record.stopLsn) };
  const description = {
    major: majorOfServerVersion(record.serverVersion),
    systemIdentifier: parseSystemIdentifier(record.systemIdentifier),
    walRanges: manifestWalRanges(ancestry, range),
  };
  const listed = [...backup.files.filter((file) => !file.path.startsWith('pg_wal/')), label];
  return Buffer.concat([...formatBackupManifest(description, listed.map(manifestFile))]);
}

function manifestFile(file: ClusterFile): ManifestFile {
  return {
    path: Buffer.from(file.path, 'latin1'),
    sizeBytes: file.sizeBytes,
    modifiedMs: Number(file.attributes.mtimeNs / 1_000_000n),
    crc32c: file.crc,
  };
}
