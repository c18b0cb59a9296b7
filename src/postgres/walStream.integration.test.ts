import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { type PostgresMajor, postgresMajors } from '../testing/postgresBinaries.ts';
import { type Cluster, createCluster } from '../testing/postgresServer.ts';
import { makeStandby } from '../testing/standby.ts';
import { waitFor } from '../testing/waitFor.ts';
import { type Lsn, addToLsn, parseLsn, toLsn } from './lsn.ts';
import { openReplicationConnection } from './replicationConnection.ts';
import { openSqlConnection } from './sqlConnection.ts';
import { toTimelineId } from './timeline.ts';
import { type WalStream, startReplication } from './walStream.ts';

const ctx = createContext();
const segmentBytes = 16 * 1024 * 1024;
const firstTimeline = toTimelineId(1);

/** Reads until the position is reached (or the stream ends), confirming everything; returns the bytes. */
async function readUntil(stream: WalStream, lsn: Lsn): Promise<Buffer> {
  const parts: Buffer[] = [];
  while (stream.position < lsn) {
    const batch = await stream.next();
    if (batch === undefined) break;
    parts.push(...batch.map((chunk) => Buffer.from(chunk.payload)));
    confirm(stream);
  }
  return Buffer.concat(parts);
}

function confirm(stream: WalStream): void {
  const { position } = stream;
  stream.sendStatus({ writtenLsn: position, flushedLsn: position, appliedLsn: position });
}

async function currentLsn(cluster: Cluster): Promise<Lsn> {
  const [row] = await cluster.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
  return parseLsn(row?.lsn ?? '');
}

function segmentStart(lsn: Lsn): Lsn {
  return toLsn(lsn - (lsn % BigInt(segmentBytes)));
}

const someWal = "create table t as select repeat('x', 1000) from generate_series(1, 40000)";

test.each(postgresMajors)(
  'PostgreSQL %i: the stream is the WAL, and the connection is free after it',
  async (major) => {
    await using cluster = await createCluster({ major });
    await using connection = await openReplicationConnection(ctx, cluster.connection);
    await connection.createPhysicalSlot('receiver');
    const startLsn = segmentStart((await connection.identifySystem()).flushedLsn);
    await cluster.sql(someWal);
    await cluster.sql('select pg_switch_wal()');
    const endLsn = await currentLsn(cluster);
    let bytes: Buffer;
    {
      await using stream = await startReplication(ctx, connection, {
        slot: 'receiver',
        startLsn,
        timeline: firstTimeline,
      });
      bytes = await readUntil(stream, endLsn);
      expect(stream.serverLsn).toBeGreaterThanOrEqual(endLsn);
      stream.stop();
      expect(await stream.next()).toBeUndefined();
      expect(stream.end).toEqual({ reason: 'stopped' });
    }
    expect(bytes.length).toBeGreaterThan(2 * segmentBytes);
    for (let at = 0; at + segmentBytes <= bytes.length; at += segmentBytes) {
      const number = (startLsn + BigInt(at)) / BigInt(segmentBytes);
      const name = `00000001${number.toString(16).toUpperCase().padStart(16, '0')}`;
      const file = await readFile(join(cluster.dataDirectory, 'pg_wal', name));
      expect(file.equals(bytes.subarray(at, at + segmentBytes)), name).toBe(true);
    }
    expect((await connection.identifySystem()).flushedLsn).toBeGreaterThanOrEqual(endLsn);
    const [slot] = await cluster.sql<{ lsn: string }>('select restart_lsn::text as lsn from pg_replication_slots');
    expect(parseLsn(slot?.lsn ?? '')).toBeGreaterThanOrEqual(endLsn);
    await connection.dropSlot('receiver');
  },
);

test.each<PostgresMajor>([13, 15, 18])(
  'PostgreSQL %i: a timeline switch is followed on one connection',
  async (major) => {
    await using primary = await createCluster({ major });
    await using standby = await makeStandby(primary);
    await using connection = await openReplicationConnection(ctx, standby.connection);
    const startLsn = segmentStart((await connection.identifySystem()).flushedLsn);
    const stream = await startReplication(ctx, connection, { startLsn, timeline: firstTimeline });
    await primary.sql('create table before_switch as select generate_series(1, 1000) as i');
    await readUntil(stream, await currentLsn(primary));
    await primary.stop();
    await standby.promote();
    await readUntil(stream, toLsn((1n << 64n) - 1n));
    const end = stream.end;
    expect(end).toMatchObject({ reason: 'timeline-ended', nextTimeline: 2 });
    if (end?.reason !== 'timeline-ended') return;
    expect(stream.position).toBe(end.switchLsn);
    expect((await connection.timelineHistory(end.nextTimeline)).toString()).toContain('no recovery target specified');

    await standby.sql('create table after_switch as select generate_series(1, 1000) as i');
    {
      const startOfNext = segmentStart(end.switchLsn);
      await using next = await startReplication(ctx, connection, { startLsn: startOfNext, timeline: end.nextTimeline });
      await readUntil(next, await currentLsn(standby));
      expect(next.position).toBeGreaterThan(end.switchLsn);
    }
    // exactly at the end of the old timeline there is nothing to copy, and the answer says so at once
    const nothing = await startReplication(ctx, connection, { startLsn: end.switchLsn, timeline: firstTimeline });
    expect(await nothing.next()).toBeUndefined();
    expect(nothing.end).toEqual(end);
    const beyond = { startLsn: addToLsn(end.switchLsn, 1n), timeline: firstTimeline };
    await expect(startReplication(ctx, connection, beyond)).rejects.toMatchObject({ code: 'cluster-mismatch' });
    const unknown = { startLsn, timeline: toTimelineId(9) };
    await expect(startReplication(ctx, connection, unknown)).rejects.toMatchObject({ code: 'cluster-mismatch' });
    expect((await connection.identifySystem()).timeline).toBe(2);
  },
);

test.each<PostgresMajor>([13, 18])('PostgreSQL %i: a synchronous commit waits for our flush', async (major) => {
  await using cluster = await createCluster({ major, settings: { synchronous_standby_names: 'receiver' } });
  await using connection = await openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'receiver' });
  const { flushedLsn, timeline } = await connection.identifySystem();
  await using stream = await startReplication(ctx, connection, { startLsn: segmentStart(flushedLsn), timeline });
  await readUntil(stream, flushedLsn);
  await using watcher = await cluster.connect();
  const ours = "select sync_state from pg_stat_replication where application_name = 'receiver' and state = 'streaming'";
  await waitFor(async () => (await watcher.query(ours)).rows[0]?.sync_state === 'sync', { what: 'sync state' });

  await using client = await cluster.connect();
  let committed = 0;
  const commit = client.query('create table safe (i int)').then(() => committed++);
  const waiting = "select 1 from pg_stat_activity where wait_event = 'SyncRep'";
  await waitFor(async () => (await watcher.query(waiting)).rows.length === 1, { what: 'a commit that waits' });
  const written = await stream.next();
  const last = written?.at(-1);
  expect(last).toBeDefined();
  stream.sendStatus({ writtenLsn: stream.position, flushedLsn, appliedLsn: flushedLsn, replyRequested: true });
  const answered = stream.serverLsn;
  await waitFor(() => stream.serverLsn >= answered, { what: 'the answer of the server' });
  expect(committed).toBe(0);
  confirm(stream);
  expect(await commit).toBe(0);
});

test.each([
  ['keepalives are answered on arrival while the reader is busy', { wal: false, statusIntervalMs: 60_000 }],
  [
    'a status goes out unasked while so much waits for the reader that nothing arrives',
    { wal: true, statusIntervalMs: 100 },
  ],
])('%s', async (_, { wal, statusIntervalMs }) => {
  await using cluster = await createCluster({ settings: { wal_sender_timeout: '600ms' } });
  await using connection = await openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'busy' });
  const { flushedLsn: startLsn, timeline } = await connection.identifySystem();
  await using stream = await startReplication(ctx, connection, { startLsn, timeline, statusIntervalMs });
  if (wal) await cluster.sql(someWal);
  const start = performance.now();
  await waitFor(() => performance.now() - start > 2000, { what: 'several time-outs' });
  expect(await cluster.sql('select application_name from pg_stat_replication')).toEqual([{ application_name: 'busy' }]);
  await readUntil(stream, await currentLsn(cluster));
});

test('WAL that is gone, a slot in use and a slot that is missing are told apart', async () => {
  await using cluster = await createCluster({ settings: { wal_keep_size: 0, max_wal_size: '32MB' } });
  await using connection = await openReplicationConnection(ctx, cluster.connection);
  await using other = await openReplicationConnection(ctx, cluster.connection);
  const { flushedLsn, timeline } = await connection.identifySystem();
  const startLsn = segmentStart(flushedLsn);
  await cluster.sql(someWal);
  for (let i = 0; i < 4; i++) await cluster.sql('select pg_switch_wal(); checkpoint');
  const firstOf = async (from: { startLsn: Lsn; timeline: typeof timeline }): Promise<void> => {
    await using stream = await startReplication(ctx, connection, from);
    await stream.next();
  };
  await expect(firstOf({ startLsn, timeline })).rejects.toMatchObject({
    code: 'wal-gap',
    detail: { sqlstate: '58P01' },
  });

  await other.createPhysicalSlot('taken');
  const now = segmentStart((await other.identifySystem()).flushedLsn);
  await using stream = await startReplication(ctx, other, { slot: 'taken', startLsn: now, timeline });
  await using third = await openReplicationConnection(ctx, cluster.connection);
  const inUse = startReplication(ctx, third, { slot: 'taken', startLsn: now, timeline });
  await expect(inUse).rejects.toMatchObject({ code: 'wal-slot', detail: { sqlstate: '55006' } });
  const missing = startReplication(ctx, third, { slot: 'nobody', startLsn: now, timeline });
  await expect(missing).rejects.toMatchObject({ code: 'wal-slot', detail: { sqlstate: '42704' } });
  const ahead = firstOf({ startLsn: addToLsn(now, 1n << 40n), timeline });
  await expect(ahead).rejects.toMatchObject({ code: 'cluster-mismatch' });
  expect((await connection.identifySystem()).timeline).toBe(timeline);
  expect(stream.end).toBeUndefined();
});

test('a stream that is cut throws, an orderly shutdown ends it', async () => {
  await using cluster = await createCluster();
  const open = async () => openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'cut' });
  {
    await using connection = await open();
    const { flushedLsn, timeline } = await connection.identifySystem();
    await using stream = await startReplication(ctx, connection, { startLsn: segmentStart(flushedLsn), timeline });
    await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'");
    const reading = readUntil(stream, toLsn((1n << 64n) - 1n));
    await expect(reading).rejects.toMatchObject({ code: 'postgres-unreachable' });
  }
  {
    await using connection = await open();
    const { flushedLsn, timeline } = await connection.identifySystem();
    await using stream = await startReplication(ctx, connection, { startLsn: segmentStart(flushedLsn), timeline });
    await Promise.all([cluster.stop(), readUntil(stream, toLsn((1n << 64n) - 1n))]);
    expect(stream.end).toEqual({ reason: 'server-shutdown' });
    await cluster.start();
  }
  {
    await using connection = await open();
    const { flushedLsn, timeline } = await connection.identifySystem();
    await using stream = await startReplication(ctx, connection, { startLsn: segmentStart(flushedLsn), timeline });
    await cluster.kill9();
    const reading = readUntil(stream, toLsn((1n << 64n) - 1n));
    await expect(reading).rejects.toMatchObject({ code: 'postgres-unreachable' });
  }
});

test('a stream that somebody still waits for can be disposed', async () => {
  await using cluster = await createCluster();
  await using connection = await openReplicationConnection(ctx, cluster.connection);
  const { flushedLsn, timeline } = await connection.identifySystem();
  let waiting: Promise<unknown>;
  {
    await using stream = await startReplication(ctx, connection, { startLsn: segmentStart(flushedLsn), timeline });
    await readUntil(stream, flushedLsn);
    waiting = stream.next();
  }
  expect(await waiting).toBeUndefined();
  expect((await connection.identifySystem()).timeline).toBe(timeline);
});

test('a server that has gone silent is noticed, and so is an abort', async () => {
  await using cluster = await createCluster();
  await using sql = await openSqlConnection(ctx, cluster.connection);
  const controller = new AbortController();
  await using frozen = await openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'frozen' });
  await using aborted = await openReplicationConnection(ctx, cluster.connection);
  const { flushedLsn, timeline } = await frozen.identifySystem();
  const from = { startLsn: segmentStart(flushedLsn), timeline };
  await using stream = await startReplication(ctx, frozen, { ...from, receiveTimeoutMs: 400 });
  await using other = await startReplication({ ...ctx, signal: controller.signal }, aborted, from);
  const { pid } = await sql.queryOne<{ pid: number }>(
    "SELECT pid FROM pg_stat_replication WHERE application_name = 'frozen'",
  );
  process.kill(pid, 'SIGSTOP');
  try {
    const reading = readUntil(stream, toLsn((1n << 64n) - 1n));
    await expect(reading).rejects.toMatchObject({ code: 'postgres-unreachable', message: /gone silent/ });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  controller.abort(new Error('no longer wanted'));
  await expect(readUntil(other, toLsn((1n << 64n) - 1n))).rejects.toThrow('no longer wanted');
});
