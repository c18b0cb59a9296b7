import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { makeStandby } from '../testing/standby.ts';
import { waitFor } from '../testing/waitFor.ts';
import {
  RunningReceiver,
  archiveOf,
  compareArchive,
  currentLsn,
  keepAllWal,
  receiveAll,
  receivingPlace,
  untilArchived,
  writeWal,
} from './fixture/receiving.ts';
import { listArchive } from './walListing.ts';

const ctx = createContext();
const clean = { different: [], unknown: [], gaps: [] };

test.each<PostgresMajor>([15, 18])('PostgreSQL %i: a promotion is followed while receiving', async (major) => {
  await using primary = await createCluster({ major, settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
  await using standby = await makeStandby(primary, { settings: keepAllWal });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, primary);
  await using receiver = new RunningReceiver(place, standby);
  await receiver.streaming();
  await writeWal(primary, 2);
  await untilArchived(receiver, await currentLsn(primary));
  await primary.stop();
  await standby.promote();
  await writeWal(standby, 2);
  await untilArchived(receiver, await currentLsn(standby));
  await receiver.stop();

  const listing = await listArchive(ctx, archive);
  expect(listing.timelines.map(({ timeline }) => timeline)).toEqual([1, 2]);
  expect(listing.ancestries.get(2 as never)).toHaveLength(2);
  const directoryOf = (timeline: number) => (timeline === 1 ? primary : standby).dataDirectory;
  expect(await compareArchive(archive, directoryOf)).toMatchObject(clean);
});

test('after a failover the receiver goes on where the new primary left the old one, however far it had received', async () => {
  await using primary = await createCluster({ settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
  await using standby = await makeStandby(primary, { settings: keepAllWal });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, primary);
  await receiveAll(place, primary);
  await writeWal(primary, 2);
  await waitFor(async () => (await currentLsn(standby)) >= (await currentLsn(primary)), { what: 'the standby' });
  await standby.stop(); // it misses what follows
  await writeWal(primary, 4);
  const lostBranch = await receiveAll(place, primary);
  await primary.kill9();
  await standby.start();
  await standby.promote();
  await writeWal(standby, 2);
  const continued = await receiveAll(place, standby);
  expect(continued.archivedLsn).toBeLessThan(lostBranch.archivedLsn ?? 0n);

  const directoryOf = (timeline: number) => (timeline === 1 ? primary : standby).dataDirectory;
  expect(await compareArchive(archive, directoryOf)).toMatchObject(clean);
  // the spool still knew the unfinished segment of the old primary; nothing of it got into the new timeline
  await writeWal(standby, 1);
  await receiveAll(place, standby);
  expect(await compareArchive(archive, directoryOf)).toMatchObject(clean);
});

test('a server that restarts, in order or after a crash, is waited for', async () => {
  await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, cluster);
  await using receiver = new RunningReceiver(place, cluster, { partialIntervalMs: 60_000 });
  await receiver.streaming();
  for (const end of ['stop', 'kill9', 'stop'] as const) {
    await writeWal(cluster, 1);
    await cluster[end](); // an orderly stop waits until the receiver has confirmed the shutdown checkpoint
    await waitFor(() => receiver.status?.state !== 'streaming', { what: 'the end of the connection' });
    await cluster.start();
    await writeWal(cluster, 1);
    const end_ = await currentLsn(cluster);
    await waitFor(() => (receiver.status?.flushedLsn ?? 0n) >= end_, { what: 'WAL after the restart' });
  }
  await receiver.stop();
  expect(await compareArchive(archive, cluster.dataDirectory)).toMatchObject(clean);
});
