import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { segmentNumberAt } from '../postgres/walSegment.ts';
import { createCluster } from '../testing/postgresServer.ts';
import {
  RunningReceiver,
  archiveOf,
  currentLsn,
  keepAllWal,
  receiveAll,
  receivingPlace,
  writeWal,
} from './fixture/receiving.ts';
import { madeSegment, smallSegmentBytes } from './fixture/segments.ts';
import { Spool } from './receive/spool.ts';

const ctx = createContext();
const small = ['--wal-segsize=1'];

test('a slot and a spool have one receiver at a time', async () => {
  await using cluster = await createCluster({ initdbArguments: small });
  await using place = await receivingPlace();
  await using receiver = new RunningReceiver(place, cluster);
  await receiver.streaming();
  await expect(receiveAll(place, cluster)).rejects.toMatchObject({ code: 'wal-slot', message: /uses the WAL spool/ });
  const spoolDirectory = place.directory.join('another');
  await expect(receiveAll(place, cluster, { spoolDirectory })).rejects.toMatchObject({
    code: 'wal-slot',
    detail: { sqlstate: '55006' },
  });
});

test('a slot of another kind is refused', async () => {
  await using cluster = await createCluster({ settings: { wal_level: 'logical' }, initdbArguments: small });
  await using place = await receivingPlace();
  await cluster.sql("select pg_create_logical_replication_slot('receiver', 'pgoutput')");
  await expect(receiveAll(place, cluster)).rejects.toMatchObject({ code: 'wal-slot', message: /is a logical one/ });
});

test('another cluster is refused, by the repository and by the spool, until it is named and gets a spool', async () => {
  await using one = await createCluster({ initdbArguments: small });
  await using other = await createCluster({ initdbArguments: ['--wal-segsize=2'] });
  await using place = await receivingPlace();
  await receiveAll(place, one);
  await expect(receiveAll(place, other)).rejects.toMatchObject({ code: 'cluster-mismatch' });
  const spoolDirectory = place.directory.join('another');
  await expect(receiveAll(place, other, { spoolDirectory })).rejects.toMatchObject({ code: 'cluster-mismatch' });
  const { systemIdentifier: cluster } = await archiveOf(place, other);
  const status = await receiveAll(place, other, { spoolDirectory, cluster });
  expect(status.archivedLsn).toBeGreaterThan(0n);
});

test('different content is never replaced: the receiver stops', async () => {
  await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: small });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, cluster);
  await receiveAll(place, cluster);
  const number = segmentNumberAt(await currentLsn(cluster), smallSegmentBytes) + 1n;
  const { systemIdentifier } = archive;
  const { name, content } = madeSegment({ number, systemIdentifier });
  await archive.put(ctx, { kind: 'segment', segment: name }, content);
  await writeWal(cluster, 3);
  await expect(receiveAll(place, cluster)).rejects.toMatchObject({ code: 'wal-conflict' });
  const kept = await archive.get(ctx, { kind: 'segment', segment: name });
  expect(kept.content.equals(content)).toBe(true);
});

test('a server that has rewritten WAL which it gave out is refused', async () => {
  await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: small });
  await using place = await receivingPlace();
  const { systemIdentifier } = await archiveOf(place, cluster);
  const number = segmentNumberAt(await currentLsn(cluster), smallSegmentBytes);
  const { content } = madeSegment({ number, systemIdentifier });
  {
    await using spool = await Spool.open(ctx, { directory: place.spoolDirectory, buffers: 2 });
    const begin = (number * BigInt(smallSegmentBytes)) as never;
    const segment = { systemIdentifier, timeline: toTimelineId(1), begin, segmentBytes: smallSegmentBytes };
    const buffer = await spool.acquire(segment, ctx.signal);
    buffer.accept(begin, content.subarray(0, 5000));
    await spool.sync(buffer);
  }
  await expect(receiveAll(place, cluster)).rejects.toMatchObject({
    code: 'wal-conflict',
    message: /now has other WAL/,
  });
});
