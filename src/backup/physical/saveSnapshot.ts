import { hostname as ownHostname, userInfo } from 'node:os';
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
import { BlobList } from '../../snapshot/blobList.ts';
import { compareNodes, type TreeNode } from '../../snapshot/node.ts';
import { saveSnapshot, type Snapshot } from '../../snapshot/snapshots.ts';
import { timestampFromDate } from '../../snapshot/time.ts';
import { serializeTree } from '../../snapshot/tree.ts';
import { chunkChecksumsName, serializeChunkChecksums } from '../chunkChecksums.ts';
import {
  dataDirectoryName,
  physicalTags,
  recordFileName,
  serializePhysicalRecord,
  type PhysicalRecord,
} from '../physicalRecord.ts';
import {
  checksumOf,
  madeFileNode,
  saveClusterTree,
  type ClusterDirectory,
  type ClusterFile,
  type NodeAttributes,
} from './clusterTree.ts';

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

export interface SnapshotOptions {
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly parent: Snapshot | undefined;
}

const programVersion = 'understudy 0.1.0';
/** Small, so that of a list in which little changed little is stored again. */
const smallFileChunk = 64 * 1024;

/**
 * Adds label, manifest and record, saves the trees, makes everything durable, and then, last, the snapshot: it appears
 * only when all that it needs is there.
 */
export async function savePhysicalSnapshot(
  ctx: Context,
  to: { readonly repository: Repository; readonly upload: Upload },
  backup: FinishedBackup & { readonly options: SnapshotOptions },
): Promise<{ snapshot: Snapshot; totals: UploadTotals }> {
  const { record, options } = backup;
  const root = backup.directories.find((directory) => directory.path === '')!.attributes;
  const label = await saveSmallFile(to.upload, root, { name: backupLabelPath, bytes: Buffer.from(backup.label) });
  const manifest = await saveSmallFile(to.upload, root, {
    name: backupManifestPath,
    bytes: writeManifest(backup, label),
  });
  const saveTree = (tree: Buffer): Promise<string> => to.upload.saveBlob('tree', tree);
  const data = await saveClusterTree(backup.directories, [...backup.files, label, manifest], saveTree);
  const topNodes = [
    { ...data, name: Buffer.from(dataDirectoryName) },
    await topFile(to.upload, root, { name: recordFileName, bytes: serializePhysicalRecord(record) }),
    await topFile(to.upload, root, { name: chunkChecksumsName, bytes: chunkChecksumsOf(backup.files) }),
  ];
  const top = await saveTree(serializeTree(topNodes.toSorted(compareNodes)));
  const tree = await saveTree(serializeTree([{ ...data, name: Buffer.from(record.source), subtree: top }]));
  const totals = await to.upload.commit();
  ctx.signal.throwIfAborted();
  const snapshot = await saveSnapshot(ctx, (_, json) => to.repository.saveDocument(ctx, 'snapshots', json), {
    time: timestampFromDate(new Date(record.startTime)),
    ...(options.parent === undefined ? {} : { parent: options.parent.id }),
    tree,
    paths: [`/${record.source}`],
    hostname: options.hostname ?? ownHostname(),
    username: userInfo().username,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    excludes: [],
    tags: [...physicalTags(record.source), ...(options.tags ?? [])],
    programVersion,
  });
  return { snapshot, totals };
}

async function saveSmallFile(
  upload: Upload,
  like: NodeAttributes,
  file: { name: string; bytes: Buffer },
): Promise<ClusterFile> {
  const ids: string[] = [];
  for (let at = 0; at < file.bytes.length; at += smallFileChunk) {
    ids.push(await upload.saveBlob('data', file.bytes.subarray(at, at + smallFileChunk)));
  }
  const made = { sizeBytes: file.bytes.length, content: BlobList.fromHex(ids) };
  return { path: file.name, attributes: madeFileNode(like, file.name, made), ...made, ...checksumOf(file.bytes) };
}

async function topFile(upload: Upload, like: NodeAttributes, file: { name: string; bytes: Buffer }): Promise<TreeNode> {
  const { sizeBytes, content } = await saveSmallFile(upload, like, file);
  return madeFileNode(like, file.name, { sizeBytes, content });
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
