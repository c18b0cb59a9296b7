import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, assert } from '../../base/errors.ts';
import { crc32c } from '../../postgres/crc32c.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { parseBackupLabel } from '../../postgres/backupLabel.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import type { Repository } from '../../repository/repository.ts';
import { Upload, type UploadOptions } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import type { PhysicalBackupOptions, PhysicalBackupResult } from '../physicalBackup.ts';
import { BackupSession } from './backupSession.ts';
import { chooseChunkBytes } from './chunkSize.ts';
import { readClusterFacts, readDatabases, type ClusterFacts } from './clusterFacts.ts';
import type { ClusterFile } from './clusterTree.ts';
import { copyControlFile } from './controlFileCopy.ts';
import { composeRecord } from './composeRecord.ts';
import { Preparation } from './preparation.ts';
import { planReuse } from './reuse.ts';
import { savePhysicalSnapshot } from './saveSnapshot.ts';
import { scanCluster, type ScannedFile } from './scanCluster.ts';
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
  const { progress } = options;
  progress.phase('starting the backup');
  await using preparation = new Preparation(outer, opening, options);
  await using session = await BackupSession.open(outer, options.connection);
  const facts = await readClusterFacts(session.sql);
  const dataDirectory = Buffer.from(options.dataDirectory ?? facts.settings.data_directory ?? '');
  checkDirectory(dataDirectory);
  await session.holdWal(outer);
  const startTime = outer.clock.now();
  const startLsn = await session.start(`understudy ${options.source}`, {
    fastCheckpoint: options.fastCheckpoint ?? true,
  });
  const databasesReading = readDatabases(outer, session.sql, options.connection);
  databasesReading.catch(() => undefined);

  const scan = scanCluster(dataDirectory, facts.server.major);
  const { ctx, repository, parent } = await preparation.ready();
  const chunkBytes = chooseChunkBytes(options.chunkBytes, parent?.record, totalBytes(scan.files));
  const reuse = planReuse(parent, { facts, options, chunkBytes, startTime });
  const parts = partitionFiles(scan.files, reuse.files);
  await using upload = await Upload.begin(ctx, repository, uploadOptions(options, parts, chunkBytes));
  const stored = await storeCluster(upload, parts, {
    chunkBytes,
    inspector: inspectorOptions(facts, startLsn, reuse.sinceLsn),
    parent: reuse.files,
    trustLsn: reuse.sinceLsn !== undefined,
    progress,
  });

  progress.phase('ending the backup');
  const databases = await databasesReading;
  const { bytes, control } = await copyControlFile(ctx, scan.controlFile.absolutePath);
  checkCluster(facts, control.systemIdentifier);
  const stop = await session.stop();
  const label = parseBackupLabel(stop.label);
  const timeline = toTimelineId(
    label.from === 'standby'
      ? Math.max(control.minRecoveryTimeline, Number(label.startTimeline))
      : Number(label.startTimeline),
  );
  const walDirectory = join(dataDirectory.toString(), 'pg_wal');
  const ancestry = readAncestry(walDirectory, timeline);
  const wal = await storeWal(upload, {
    walDirectory,
    begin: label.startLsn,
    end: stop.stopLsn,
    ancestry,
    walSegmentBytes: control.walSegmentBytes,
    systemIdentifier: control.systemIdentifier,
  });
  const controlFile: ClusterFile = {
    path: scan.controlFile.path,
    attributes: scan.controlFile.attributes,
    sizeBytes: bytes.length,
    content: BlobList.fromHex([await upload.saveBlob('data', bytes)]),
    crc: crc32c(bytes),
  };
  const record = composeRecord({
    options,
    facts,
    control,
    databases,
    stored,
    wal,
    reuse,
    times: { startTime, stopTime: ctx.clock.now() },
    begin: formatLsn(label.startLsn),
    end: formatLsn(stop.stopLsn),
    timeline,
    chunkBytes,
    fromStandby: label.from === 'standby',
    skipped: scan.skipped,
  });
  const files = [...stored.files, controlFile, ...wal];
  const saved = await savePhysicalSnapshot(
    ctx,
    { repository, upload },
    {
      record,
      directories: scan.directories,
      files,
      label: stop.label,
      ancestry,
      options: { ...options, parent: parent?.snapshot },
    },
  );
  return { ...saved, record };
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
function checkCluster(facts: ClusterFacts, found: bigint): void {
  assert(typeof found === 'bigint', 'a system identifier is a bigint');
  if (facts.server.systemIdentifier === found) return;
  throw new OperationError('cluster-mismatch', 'the data directory belongs to another cluster than the server', {
    hint: 'does --data-directory name the directory of the server that --host and --port reach?',
    detail: { server: String(facts.server.systemIdentifier), directory: String(found) },
  });
}
