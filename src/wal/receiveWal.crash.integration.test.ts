import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { parseLsn, toLsn, type Lsn } from '../postgres/lsn.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { startCommitLoad } from '../testing/commitLoad.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import {
  RunningReceiver,
  archiveOf,
  compareArchive,
  currentLsn,
  keepAllWal,
  receiveAll,
  receivingPlace,
  writeWal,
  type ReceivingPlace,
} from './fixture/receiving.ts';
import { smallSegmentBytes } from './fixture/segments.ts';
import { Spool } from './receive/spool.ts';

const ctx = createContext();
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

test('what the spool has of a later segment hides no segment that never got anywhere', async () => {
  await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
  await using place = await receivingPlace();
  const archive = await archiveOf(place, cluster);
  await receiveAll(place, cluster);
  await writeWal(cluster, 3); // segments that were on their way past the spool when the receiver was killed
  const begin = segmentStart(await currentLsn(cluster));
  const { systemIdentifier } = archive;
  const segment = { systemIdentifier, timeline: toTimelineId(1), begin, segmentBytes: smallSegmentBytes };
  {
    await using spool = await Spool.open(ctx, { directory: place.spoolDirectory, buffers: 2 });
    const buffer = await spool.acquire(segment, ctx.signal);
    buffer.accept(begin, readFileSync(join(cluster.dataDirectory, 'pg_wal', buffer.name)).subarray(0, 5000));
    await spool.sync(buffer);
  }
  await receiveAll(place, cluster);
  const comparison = await compareArchive(archive, cluster.dataDirectory);
  expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
});

function segmentStart(lsn: Lsn): Lsn {
  return toLsn(lsn - (lsn % BigInt(smallSegmentBytes)));
}

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
