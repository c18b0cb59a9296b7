import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import { startCommitLoad } from '../testing/commitLoad.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import {
  RunningReceiver,
  archiveOf,
  compareArchive,
  keepAllWal,
  receiveAll,
  receivingPlace,
  type ReceivingPlace,
} from './fixture/receiving.ts';

const program = join(import.meta.dirname, 'fixture/receiverProcess.ts');
test.each<[PostgresMajor, number]>([
  [15, 7],
  [18, 4],
])(
  'PostgreSQL %i: a receiver killed at any moment, %i times, has lost nothing that it confirmed, and goes on',
  async (major, kills) => {
    await using cluster = await createCluster({ major, settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
    await using place = await receivingPlace();
    const archive = await archiveOf(place, cluster);
    await receiveAll(place, cluster);
    await using load = await startCommitLoad(cluster, { rowBytes: 4000, pauseMs: 0, clients: 3 });
    for (let kill = 0; kill < kills; kill++) {
      await killAfter(place, cluster, 600 + Math.random() * 900);
      const confirmed = await confirmedLsn(cluster);
      await expect(withoutServer(place, cluster)).rejects.toMatchObject({ code: 'postgres-unreachable' });
      const { end, ...comparison } = await compareArchive(archive, cluster.dataDirectory);
      expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
      expect(end).toBeGreaterThanOrEqual(confirmed);
    }
    await load.stop();
    await receiveAll(place, cluster);
    const comparison = await compareArchive(archive, cluster.dataDirectory);
    expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
    expect(comparison.compared).toBeGreaterThan(0);
  },
);

async function killAfter(place: ReceivingPlace, cluster: Cluster, afterMs: number): Promise<void> {
  const words = [
    place.directory.join('repository'),
    place.spoolDirectory,
    cluster.socketDirectory,
    String(cluster.port),
  ];
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  await delay(afterMs);
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** What the server was last told to be safe. */
async function confirmedLsn(cluster: Cluster): Promise<Lsn> {
  const [slot] = await cluster.sql<{ lsn: string }>('select restart_lsn::text as lsn from pg_replication_slots');
  return parseLsn(slot?.lsn ?? '');
}

/** A receiver whose server cannot be reached: it still brings the spool into the repository. */
async function withoutServer(place: ReceivingPlace, cluster: Cluster): Promise<unknown> {
  const connection = { ...cluster.connection, port: cluster.port + 1 };
  const receiver = new RunningReceiver(place, cluster, { connection });
  return receiver.ended;
}
