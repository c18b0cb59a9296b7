import type { Context } from '../../base/context.ts';
import { OperationError, assert } from '../../base/errors.ts';
import { backupLabelPath, parseBackupLabel } from '../../postgres/backupLabel.ts';
import type { BaseBackupEvent } from '../../postgres/baseBackupEvents.ts';
import { startBaseBackup } from '../../postgres/baseBackupStream.ts';
import { controlFilePath, parseControlFile, type ControlFile } from '../../postgres/controlFile.ts';
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
import { readClusterFacts, readDatabases, type ClusterFacts } from './clusterFacts.ts';
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
  await using received = await receive(ctx, repository, { events, options, parent, facts });
  const { collector, start, end, chunkBytes } = received;
  const label = collector.captured(backupLabelPath).toString();
  const ancestry = await fetchAncestry(replication, end.timeline);
  const files = collector.files(chunkBytes);
  const record = composeRecord({
    options,
    facts,
    control: soundControlFile(collector.captured(controlFilePath)),
    databases,
    stored: { files, changed: files.length, vanished: 0, shrunk: 0, pages: collector.pages(facts) },
    wal: files.filter((file) => file.path.startsWith('pg_wal/')),
    reuse: { files: undefined, sinceLsn: undefined, rehashedTime: startTime },
    startTime,
    stopTime: ctx.clock.now(),
    begin: start.lsn,
    end: end.lsn,
    timeline: end.timeline,
    chunkBytes,
    fromStandby: parseBackupLabel(label).from === 'standby',
    skipped: [],
  });
  const backup = { record, directories: collector.directories, files, label, ancestry };
  const saved = await savePhysicalSnapshot(
    ctx,
    { repository, upload: received.upload },
    { ...backup, options: { ...options, parent: parent?.snapshot } },
  );
  return { ...saved, record };
}

/** A stream that came to its end; disposing ends its upload. */
class Received implements AsyncDisposable {
  readonly upload: Upload;
  readonly store: StreamStore;
  readonly collector: StreamCollector;
  readonly start: Event<'start'>;
  readonly chunkBytes: number;
  #end: Event<'end'> | undefined;

  private constructor(upload: Upload, start: Event<'start'>, from: Source & { chunkBytes: number }) {
    const { major } = from.facts.server;
    const { chunkBytes } = from;
    this.upload = upload;
    this.start = start;
    this.chunkBytes = chunkBytes;
    this.store = new StreamStore(upload, { chunkBytes, progress: from.options.progress });
    this.collector = new StreamCollector(this.store, { major, blockBytes: Number(from.facts.settings.block_size) });
  }

  static async begin(
    ctx: Context,
    repository: Repository,
    from: Source & { readonly start: Event<'start'> },
  ): Promise<Received> {
    const bytes = from.start.tablespaces.reduce((sum, space) => sum + (space.sizeKilobytes ?? 0) * 1024, 0);
    const chunkBytes = chooseChunkBytes(from.options.chunkBytes, from.parent?.record, bytes);
    // every file has a chunk that is not full, and the cluster may grow meanwhile
    const expectedChunks = 1_000_000 + Math.ceil((bytes / chunkBytes) * 2);
    const upload = await Upload.begin(ctx, repository, { ...from.options, expectedChunks });
    from.options.progress.phase('receiving files', { bytes });
    return new Received(upload, from.start, { ...from, chunkBytes });
  }

  get end(): Event<'end'> {
    assert(this.#end !== undefined, 'a stream is used after its end');
    return this.#end;
  }

  /** Takes an event; true when it was the last. */
  async take(event: BaseBackupEvent): Promise<boolean> {
    if (event.kind !== 'end') {
      await this.collector.take(event);
      return false;
    }
    await this.store.flush();
    this.#end = event;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.upload[Symbol.asyncDispose]();
  }
}

interface Source {
  readonly options: PhysicalBackupOptions;
  readonly parent: Prepared['parent'];
  readonly facts: ClusterFacts;
}

async function receive(
  ctx: Context,
  repository: Repository,
  from: Source & { readonly events: AsyncIterable<readonly BaseBackupEvent[]> },
): Promise<Received> {
  let received: Received | undefined;
  try {
    for await (const event of flat(from.events)) {
      if (event.kind === 'start') received = await Received.begin(ctx, repository, { ...from, start: event });
      else if ((await received?.take(event)) === true) return received!;
    }
    throw new OperationError('backup-aborted', 'the base backup ended before it was complete', {
      hint: 'run it again',
    });
  } catch (error) {
    await received?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function* flat(batches: AsyncIterable<readonly BaseBackupEvent[]>): AsyncGenerator<BaseBackupEvent> {
  for await (const batch of batches) yield* batch;
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
