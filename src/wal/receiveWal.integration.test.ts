import { expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { createContext } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
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

test('the server switches segments and checkpoints while a first receiver gets ready: it streams from there', async () => {
  await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: small });
  await using place = await receivingPlace();
  const { backend } = place.repository;
  let writes = 0;
  // the archive is claimed after the server has told where its WAL ends, and before the slot is made
  const put: Backend['put'] = async (inner, ...object) => {
    if (writes++ === 0) {
      await cluster.sql('select pg_switch_wal()');
      await cluster.sql('checkpoint');
    }
    return backend.put(inner, ...object);
  };
  const watched = Object.assign(Object.create(place.repository) as Repository, { backend: delegate(backend, { put }) });
  await receiveAll({ ...place, repository: watched }, cluster);
  expect(writes).toBeGreaterThan(0);
  const comparison = await compareArchive(await archiveOf(place, cluster), cluster.dataDirectory);
  expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
});

/** The same object with other methods in front. */
function delegate<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in methods ? methods : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
