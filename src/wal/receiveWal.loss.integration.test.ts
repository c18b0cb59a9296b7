import { expect, test } from 'vitest';
import { invalidLsn } from '../postgres/lsn.ts';
import { compareWithLog, noDifferences, presentRows, startCommitLoad } from '../testing/commitLoad.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { waitFor } from '../testing/waitFor.ts';
import {
  RunningReceiver,
  archiveOf,
  compareArchive,
  keepAllWal,
  receivingPlace,
  untilArchived,
  type ReceivingPlace,
} from './fixture/receiving.ts';
import { coldCopy, recoverFrom, type Copy } from './fixture/recovering.ts';

const small = { initdbArguments: ['--wal-segsize=1'], settings: keepAllWal };

test.each<PostgresMajor>([15, 18])(
  'PostgreSQL %i: a primary that is killed under load loses at most the last second',
  async (major) => {
    await using cluster = await createCluster({ major, ...small });
    await using place = await receivingPlace();
    const copy = await coldCopy(cluster);
    const archive = await archiveOf(place, cluster);
    await using receiver = new RunningReceiver(place, cluster, { partialIntervalMs: 60_000 });
    await receiver.streaming();
    await using load = await startCommitLoad(cluster, { rowBytes: 2000 });
    await load.advance(800);
    await cluster.kill9();
    const killedAtMs = Date.now();
    await load.stop();
    // no partial was due yet: the end of the connection has to bring the last segment into the repository
    await waitFor(() => receiver.status?.state === 'waiting', { what: 'the end of the connection' });
    await untilArchived(receiver, receiver.status?.receivedLsn ?? invalidLsn);
    const comparison = await compareArchive(archive, cluster.dataDirectory);
    expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });

    await using recovered = await recoverFrom(archive, copy, place.directory);
    const differences = await compareWithLog(recovered, load.log.expectedNow(), 2000);
    expect(differences).toMatchObject({ unexpected: [], changed: [], torn: [] });
    expect(load.log.lossMs(await presentRows(recovered), killedAtMs)).toBeLessThanOrEqual(1000);
  },
);

test.each<PostgresMajor>([15, 18])(
  'PostgreSQL %i: as synchronous standby the receiver loses nothing, whoever dies',
  async (major) => {
    await using cluster = await createCluster({ major, ...small });
    await using place = await receivingPlace();
    const copy = await coldCopy(cluster);
    const archive = await archiveOf(place, cluster);
    await cluster.configure({ synchronous_standby_names: 'receiver' });
    await using receiver = new RunningReceiver(place, cluster, { partialIntervalMs: 60_000 });
    await receiver.streaming();
    await cluster.sql('select pg_reload_conf()');
    await synchronous(cluster);
    await using load = await startCommitLoad(cluster, { rowBytes: 500 });
    await load.advance(600);
    await cluster.kill9();
    await load.stop();
    // what was confirmed is in the spool at least, so it reaches the repository without the server
    await receiver.stop();
    await exactlyTheLog({ place, copy, archive, load });
  },
);

async function exactlyTheLog(given: {
  readonly place: ReceivingPlace;
  readonly copy: Copy;
  readonly archive: Awaited<ReturnType<typeof archiveOf>>;
  readonly load: Awaited<ReturnType<typeof startCommitLoad>>;
}): Promise<void> {
  await using recovered = await recoverFrom(given.archive, given.copy, given.place.directory);
  expect(await compareWithLog(recovered, given.load.log.expectedNow(), 500)).toEqual(noDifferences);
}

async function synchronous(cluster: Cluster): Promise<void> {
  const states = () => cluster.sql<{ sync_state: string }>('select sync_state from pg_stat_replication');
  await waitFor(async () => (await states())[0]?.sync_state === 'sync', { what: 'synchronous replication' });
}
