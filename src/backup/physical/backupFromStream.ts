import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { backupLabelPath, parseBackupLabel } from '../../postgres/backupLabel.ts';
import type { BaseBackupEvent } from '../../postgres/baseBackupEvents.ts';
import { startBaseBackup } from '../../postgres/baseBackupStream.ts';
import { controlFilePath, parseControlFile, type ControlFile } from '../../postgres/controlFile.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { openReplicationConnection, type ReplicationConnection } from '../../postgres/replicationConnection.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import {
  parseTimelineHistory,
  timelineAncestry,
  type TimelineAncestry,
  type TimelineId,
} from '../../postgres/timeline.ts';
import type { Repository } from '../../repository/repository.ts';
import { Upload } from '../../repository/upload.ts';
import type { PhysicalBackupOptions, PhysicalBackupResult } from '../physicalBackup.ts';
import { chooseChunkBytes } from './chunkSize.ts';
import { readClusterFacts, readDatabases } from './clusterFacts.ts';
import { composeRecord } from './composeRecord.ts';
import { Preparation, type Prepared } from './preparation.ts';
import { savePhysicalSnapshot } from './saveSnapshot.ts';
import { StreamCollector } from './streamCollector.ts';
import { StreamStore } from './streamStore.ts';

type Event<K extends BaseBackupEvent['kind']> = Extract<BaseBackupEvent, { kind: K }>;

/** Method `stream`: everything comes through BASE_BACKUP, so no access to the server's files is needed. */
export async function backupFromStream(
  outer: Context,
  opening: Promise<Repository>,
  options: PhysicalBackupOptions,
): Promise<PhysicalBackupResult> {
  const { progress } = options;
  progress.phase('starting the backup');
  await using preparation = new Preparation(outer, opening, options);
  await using sql = await openSqlConnection(outer, options.connection);
  const { ctx, repository, parent } = await preparation.ready();
  await using replication = await openReplicationConnection(ctx, options.connection);
  const facts = await readClusterFacts(sql);
  const databases = await readDatabases(ctx, sql, options.connection);
  // the slot lives as long as this connection and keeps the WAL that the server appends at the end
  await replication.createPhysicalSlot(`understudy_stream_${process.pid}_${Date.now().toString(36)}`, {
    temporary: true,
  });
  const startTime = ctx.clock.now();
  const events = startBaseBackup(ctx, replication, {
    label: `understudy ${options.source}`,
    checkpoint: options.fastCheckpoint === false ? 'spread' : 'fast',
    wal: true,
    manifest: false,
  });
  const received = await receive(ctx, repository, { events, options, parent, facts });
  const { collector, upload, start, end, chunkBytes } = received;
  await using _upload = upload;

  const label = collector.captured(backupLabelPath);
  const parsed = parseBackupLabel(label.toString());
  const control = soundControlFile(collector.captured(controlFilePath));
  const ancestry = await fetchAncestry(replication, end.timeline);
  const files = collector.files(chunkBytes);
  const record = composeRecord({
    options,
    facts,
    control,
    databases,
    stored: {
      files,
      changed: files.length,
      vanished: 0,
      shrunk: 0,
      pages: {
        verified: facts.settings.data_checksums === 'on' ? collector.pages : 0,
        badCount: collector.bad.length,
        bad: collector.bad.slice(0, 100),
      },
    },
    wal: files.filter((file) => file.path.startsWith('pg_wal/')),
    reuse: { files: undefined, sinceLsn: undefined, rehashedTime: startTime },
    times: { startTime, stopTime: ctx.clock.now() },
    begin: formatLsn(start.lsn),
    end: formatLsn(end.lsn),
    timeline: end.timeline,
    chunkBytes,
    fromStandby: parsed.from === 'standby',
    skipped: [],
  });
  const saved = await savePhysicalSnapshot(
    ctx,
    { repository, upload },
    {
      record,
      directories: collector.directories,
      files,
      label: label.toString(),
      ancestry,
      options: { ...options, parent: parent?.snapshot },
    },
  );
  return { ...saved, record };
}

interface Received {
  readonly collector: StreamCollector;
  readonly upload: Upload;
  readonly start: Event<'start'>;
  readonly end: Event<'end'>;
  readonly chunkBytes: number;
}

async function receive(
  ctx: Context,
  repository: Repository,
  from: {
    events: AsyncIterable<readonly BaseBackupEvent[]>;
    options: PhysicalBackupOptions;
    parent: Prepared['parent'];
    facts: Awaited<ReturnType<typeof readClusterFacts>>;
  },
): Promise<Received> {
  const { options, facts } = from;
  let upload: Upload | undefined;
  let opened: { store: StreamStore; collector: StreamCollector; start: Event<'start'>; chunkBytes: number } | undefined;
  try {
    for await (const batch of from.events) {
      for (const event of batch) {
        if (event.kind === 'start') {
          const bytes = event.tablespaces.reduce((sum, space) => sum + (space.sizeKilobytes ?? 0) * 1024, 0);
          const chunkBytes = chooseChunkBytes(options.chunkBytes, from.parent?.record, bytes);
          // files are at most one chunk's worth smaller than their chunks, and the cluster may grow meanwhile
          upload = await Upload.begin(ctx, repository, {
            ...options,
            expectedChunks: 1_000_000 + Math.ceil((bytes / chunkBytes) * 2),
          });
          const store = new StreamStore(upload, { chunkBytes, progress: options.progress });
          const collector = new StreamCollector(store, {
            major: facts.server.major,
            blockBytes: Number(facts.settings.block_size),
          });
          opened = { store, collector, start: event, chunkBytes };
          options.progress.phase('receiving files', { bytes });
        } else if (event.kind === 'end') {
          if (opened === undefined || upload === undefined) break;
          await opened.store.flush();
          return { ...opened, upload, end: event };
        } else await opened?.collector.take(event);
      }
    }
    throw new OperationError('backup-aborted', 'the base backup ended before it was complete', {
      hint: 'run it again',
    });
  } catch (error) {
    await upload?.[Symbol.asyncDispose]();
    throw error;
  }
}

function soundControlFile(bytes: Buffer): ControlFile {
  const read = parseControlFile(bytes);
  if (read.state === 'sound') return read.controlFile;
  throw new OperationError('postgres-protocol', 'the control file in the base backup has a wrong checksum', {
    hint: 'run the backup again; if it stays so, the control file of the server is damaged',
  });
}

async function fetchAncestry(replication: ReplicationConnection, timeline: TimelineId): Promise<TimelineAncestry> {
  if (Number(timeline) === 1) return timelineAncestry(timeline, []);
  const text = (await replication.timelineHistory(timeline)).toString();
  return timelineAncestry(timeline, parseTimelineHistory(timeline, text));
}
