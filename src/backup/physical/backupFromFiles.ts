import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { controlFilePath, type ControlFile } from '../../postgres/controlFile.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import { parseBackupLabel } from '../../postgres/backupLabel.ts';
import { toTimelineId, type TimelineAncestry, type TimelineId } from '../../postgres/timeline.ts';
import type { Repository } from '../../repository/repository.ts';
import { Upload, type UploadOptions } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import type { PhysicalBackupOptions, PhysicalBackupResult } from '../physicalBackup.ts';
import { BackupSession } from './backupSession.ts';
import { chooseChunkBytes } from './chunkSize.ts';
import { readClusterFacts, readDatabases, type ClusterFacts } from './clusterFacts.ts';
import { checksumOf, type ClusterFile } from './clusterTree.ts';
import { copyControlFile } from './controlFileCopy.ts';
import { composeRecord } from './composeRecord.ts';
import { Preparation } from './preparation.ts';
import { planReuse } from './reuse.ts';
import { savePhysicalSnapshot } from './saveSnapshot.ts';
import { scanCluster, type ClusterScan, type ScannedFile } from './scanCluster.ts';
import { partitionFiles, storeCluster, type PartitionedFiles } from './storeCluster.ts';
import { readAncestry, storeWal } from './storeWal.ts';

/** Below this, starting threads costs more than they save. */
const singleThreadBytes = 48 * 1024 * 1024;

/** Method `files`: reads the data directory on this host with worker threads, inside one backup session. */
export async function backupFromFiles(
  outer: Context,
  opening: Promise<Repository>,
  options: PhysicalBackupOptions,
): Promise<PhysicalBackupResult> {
  options.progress.phase('starting the backup');
  await using preparation = new Preparation(outer, opening, options);
  await using session = await BackupSession.open(outer, options.connection);
  const begun = await beginBackup(outer, session, options);
  const scan = scanCluster(begun.dataDirectory, begun.facts.server.major);
  const { ctx, repository, parent } = await preparation.ready();
  const chunkBytes = chooseChunkBytes(options.chunkBytes, parent?.record, totalBytes(scan.files));
  const reuse = planReuse(parent, { ...begun, options, chunkBytes });
  const parts = partitionFiles(scan.files, reuse.files, (await repository.index(ctx)).table('data'));
  await using upload = await Upload.begin(ctx, repository, uploadOptions(options, parts, chunkBytes));
  const stored = await storeCluster(upload, parts, {
    chunkBytes,
    inspector: inspectorOptions(begun.facts, begun.startLsn, reuse.sinceLsn),
    parent: reuse.files,
    trustLsn: reuse.sinceLsn !== undefined,
    progress: options.progress,
  });
  options.progress.phase('ending the backup');
  const ended = await endBackup(ctx, session, { upload, scan, begun });
  const record = composeRecord({
    ...begun,
    ...ended,
    options,
    databases: await begun.databases,
    stored,
    reuse,
    stopTime: ctx.clock.now(),
    chunkBytes,
    skipped: scan.skipped,
  });
  const saved = await savePhysicalSnapshot(
    ctx,
    { repository, upload },
    {
      record,
      directories: scan.directories,
      files: [...stored.files, ended.controlFile, ...ended.wal],
      label: ended.label,
      ancestry: ended.ancestry,
      options: { ...options, parent: parent?.snapshot },
    },
  );
  return { ...saved, record };
}

interface BegunBackup {
  readonly facts: ClusterFacts;
  readonly dataDirectory: Buffer;
  readonly startTime: Date;
  readonly startLsn: Lsn;
  /** Read while files are copied; awaited at the end. */
  readonly databases: ReturnType<typeof readDatabases>;
}

async function beginBackup(ctx: Context, session: BackupSession, options: PhysicalBackupOptions): Promise<BegunBackup> {
  const facts = await readClusterFacts(session.sql);
  const dataDirectory = Buffer.from(options.dataDirectory ?? facts.settings.data_directory ?? '');
  checkDirectory(dataDirectory);
  const { control } = await copyControlFile(ctx, Buffer.concat([dataDirectory, Buffer.from(`/${controlFilePath}`)]));
  checkCluster(facts, control.systemIdentifier);
  await session.holdWal(ctx);
  const startTime = ctx.clock.now();
  const fastCheckpoint = options.fastCheckpoint ?? true;
  const startLsn = await session.start(`understudy ${options.source}`, { fastCheckpoint });
  const databases = readDatabases(ctx, session.sql, options.connection);
  // reported to whoever awaits them; until then it is not unhandled
  databases.catch(() => undefined);
  return { facts, dataDirectory, startTime, startLsn, databases };
}

interface EndedBackup {
  readonly control: ControlFile;
  readonly controlFile: ClusterFile;
  readonly label: string;
  readonly begin: Lsn;
  readonly end: Lsn;
  readonly fromStandby: boolean;
  readonly timeline: TimelineId;
  readonly ancestry: TimelineAncestry;
  readonly wal: readonly ClusterFile[];
}

/** pg_control, which must be the last file read, then the end of the backup on the server, then its WAL. */
async function endBackup(
  ctx: Context,
  session: BackupSession,
  { upload, scan, begun }: { upload: Upload; scan: ClusterScan; begun: BegunBackup },
): Promise<EndedBackup> {
  const { bytes, control } = await copyControlFile(ctx, scan.controlFile.absolutePath);
  const content = BlobList.fromHex([await upload.saveBlob('data', bytes)]);
  const { path, attributes } = scan.controlFile;
  const controlFile = { path, attributes, sizeBytes: bytes.length, content, ...checksumOf(bytes) };
  const stop = await session.stop();
  const { startLsn: begin, startTimeline, from } = parseBackupLabel(stop.label);
  const fromStandby = from === 'standby';
  const timeline = toTimelineId(Math.max(fromStandby ? control.minRecoveryTimeline : 0, Number(startTimeline)));
  const walDirectory = join(begun.dataDirectory.toString(), 'pg_wal');
  const ancestry = readAncestry(walDirectory, timeline);
  const { walSegmentBytes, systemIdentifier } = control;
  const end = stop.stopLsn;
  const wal = await storeWal(upload, { walDirectory, begin, end, ancestry, walSegmentBytes, systemIdentifier });
  return { control, controlFile, label: stop.label, begin, end, fromStandby, timeline, ancestry, wal };
}

function inspectorOptions(
  facts: ClusterFacts,
  startLsn: bigint,
  sinceLsn: bigint | undefined,
): Parameters<typeof storeCluster>[2]['inspector'] {
  return {
    startLsn,
    sinceLsn,
    checksums: facts.settings.data_checksums === 'on',
    blockBytes: Number(facts.settings.block_size),
    blocksPerSegment: Number(facts.settings.segment_size),
  };
}

function uploadOptions(options: PhysicalBackupOptions, parts: PartitionedFiles, chunkBytes: number): UploadOptions {
  const bytes = totalBytes(parts.changed);
  return {
    ...options,
    expectedChunks: parts.changed.length + Math.ceil(bytes / chunkBytes),
    ...(bytes < singleThreadBytes ? { threads: 0 } : {}),
  };
}

function totalBytes(files: readonly ScannedFile[]): number {
  return files.reduce((sum, file) => sum + Number(file.stat.size), 0);
}

function checkDirectory(dataDirectory: Buffer): void {
  if (dataDirectory.length > 0) return;
  throw new OperationError('postgres-settings', 'the server does not tell its data directory to this role', {
    hint: 'grant pg_read_all_settings to the backup role, or give --data-directory',
  });
}

/** The directory that we read must be the one of the server that we talk to. */
function checkCluster(facts: ClusterFacts, found: SystemIdentifier): void {
  if (facts.server.systemIdentifier === found) return;
  throw new OperationError('cluster-mismatch', 'the data directory belongs to another cluster than the server', {
    hint: 'does --data-directory name the directory of the server that --host and --port reach?',
    detail: { server: String(facts.server.systemIdentifier), directory: String(found) },
  });
}
