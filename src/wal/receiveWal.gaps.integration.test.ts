import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName } from '../postgres/walSegment.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { archiveOf, compareArchive, receiveAll, receivingPlace, writeWal } from './fixture/receiving.ts';
import { smallSegmentBytes } from './fixture/segments.ts';
import { listWalGaps } from './walGapMarkers.ts';
import { listArchive, segmentBegin } from './walListing.ts';
import { walObjectName } from './walObjectName.ts';

const ctx = createContext();
const small = ['--wal-segsize=1'];
const littleWal = { max_wal_size: '4MB', min_wal_size: '2MB', wal_keep_size: 0, max_slot_wal_keep_size: '2MB' };

test.each<PostgresMajor>([15, 18])(
  'PostgreSQL %i: a slot that lost its WAL is a gap, told and recorded',
  async (major) => {
    await using cluster = await createCluster({ major, settings: littleWal, initdbArguments: small });
    await using place = await receivingPlace();
    const archive = await archiveOf(place, cluster);
    const received = await receiveAll(place, cluster);
    await loseWal(cluster);
    await expect(receiveAll(place, cluster)).rejects.toMatchObject({
      code: 'wal-slot',
      hint: expect.stringContaining('base backup'),
    });
    const [gap] = await listWalGaps(ctx, archive);
    expect(gap?.begin).toBeLessThanOrEqual(received.archivedLsn!);
    expect(gap?.end).toBeGreaterThan(gap!.begin);

    const continued = await receiveAll(place, cluster, { recreateLostSlot: true });
    expect(continued.archivedLsn).toBeGreaterThanOrEqual(gap!.end);
    expect(await listWalGaps(ctx, archive)).toHaveLength(1);
    await cluster.sql('create table afterwards (i int)');
    await receiveAll(place, cluster);
    const { different } = await compareArchive(archive, cluster.dataDirectory);
    expect(different).toEqual([]);
  },
);

test('WAL that the server dropped together with the slot is a gap too; receiving goes on behind it', async () => {
  await using cluster = await createCluster({ settings: littleWal, initdbArguments: small });
  await using place = await receivingPlace();
  await receiveAll(place, cluster);
  await cluster.sql("select pg_drop_replication_slot('receiver')");
  await loseWal(cluster);
  const status = await receiveAll(place, cluster);
  expect(status.gaps).toBe(1);
  const archive = await archiveOf(place, cluster);
  const gaps = await listWalGaps(ctx, archive);
  expect(gaps).toHaveLength(1);
  await writeWal(cluster, 1);
  expect((await receiveAll(place, cluster)).gaps).toBe(0);
  expect(await listWalGaps(ctx, archive)).toEqual(gaps);
});

test('a hole in the archive that the server can no longer fill is recorded, and no more than that', async () => {
  await using cluster = await createCluster({
    settings: { ...littleWal, max_slot_wal_keep_size: -1 },
    initdbArguments: small,
  });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, cluster);
  await receiveAll(place, cluster);
  await writeWal(cluster, 5);
  await receiveAll(place, cluster);
  const numbers = (await listArchive(ctx, archive)).timelines[0]!.segments;
  const hole = numbers.at(-3)!;
  const segment = formatWalSegmentName({ timeline: toTimelineId(1), number: hole }, smallSegmentBytes);
  await place.repository.backend.delete(ctx, walObjectName(archive.systemIdentifier, { kind: 'segment', segment }));
  await cluster.configure({ max_slot_wal_keep_size: '2MB' });
  await cluster.sql('select pg_reload_conf()');
  await loseWal(cluster); // and the slot with it
  await receiveAll(place, cluster, { recreateLostSlot: true });
  const [first] = await listWalGaps(ctx, archive);
  expect(first).toMatchObject({ begin: segmentBegin(hole, smallSegmentBytes) });
  expect(first?.end).toBe(segmentBegin(hole + 1n, smallSegmentBytes));
});

/** Writes and drops more WAL than any slot may keep. */
async function loseWal(cluster: Cluster): Promise<void> {
  await writeWal(cluster, 8);
  for (let i = 0; i < 3; i++) await cluster.sql('select pg_switch_wal(); checkpoint');
}
