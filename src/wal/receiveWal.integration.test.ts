import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
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

const ctx = createContext();
const small = ['--wal-segsize=1'];

test.each(postgresMajors)('PostgreSQL %i: WAL is received whole, and what follows as it is written', async (major) => {
  await using cluster = await createCluster({ major, settings: keepAllWal, initdbArguments: small });
  await using place = await receivingPlace();
  await receiveAll(place, cluster); // creates the slot
  await writeWal(cluster, 5);
  const end = await currentLsn(cluster);
  const status = await receiveAll(place, cluster);
  expect(status.archivedLsn).toBeGreaterThanOrEqual(end);
  expect(status.segmentsArchived).toBeGreaterThanOrEqual(5);
  const archive = await archiveOf(place, cluster);
  expect(await compareArchive(archive, cluster.dataDirectory)).toMatchObject({ different: [], unknown: [], gaps: [] });

  await using receiver = new RunningReceiver(place, cluster);
  await cluster.sql('create table while_receiving (i int)');
  await untilArchived(receiver, await currentLsn(cluster));
  await receiver.stop();
  const comparison = await compareArchive(archive, cluster.dataDirectory);
  expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
  expect(comparison.end).toBeGreaterThan(end);
  expect(ctx.signal.aborted).toBe(false);
});
