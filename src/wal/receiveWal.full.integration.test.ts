import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { systemClock, type Clock } from '../base/clock.ts';
import type { PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
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

for (const major of [15, 18] satisfies PostgresMajor[]) {
  rootOnly(`PostgreSQL ${major}: a full repository stops the confirmations, loses nothing, and is filled again`, () =>
    whenFull(major, 'repository'),
  );
}
rootOnly('a full spool does the same', () => whenFull(15, 'spool'));

rootOnly(
  'stopped while the repository is full, the receiver ends in time; the next one stores what it left',
  async () => {
    await using cluster = await createCluster({ settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
    await using volume = await smallVolume('4m');
    await using place = await receivingPlace(volume.path);
    const archive = await archiveOf(place, cluster);
    // half a minute of grace is over at once
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 1500), signal) };
    {
      const receiver = new RunningReceiver(place, cluster, { clock });
      await receiver.streaming();
      await writeWal(cluster, 20);
      await waitFor(() => receiver.status?.problem !== undefined, { what: 'the trouble' });
      await expect(receiver.stop()).rejects.toMatchObject({ code: 'interrupted' });
    }
    execFileSync('mount', ['-o', 'remount,size=200m', volume.path]);
    await receiveAll(place, cluster);
    const comparison = await compareArchive(archive, cluster.dataDirectory);
    expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
  },
);

async function whenFull(major: PostgresMajor, what: 'repository' | 'spool'): Promise<void> {
  await using cluster = await createCluster({ major, settings: keepAllWal, initdbArguments: ['--wal-segsize=1'] });
  await using volume = await smallVolume(what === 'spool' ? '1m' : '4m');
  await using place = await receivingPlace(what === 'repository' ? volume.path : undefined);
  const archive = await archiveOf(place, cluster);
  const options = what === 'spool' ? { spoolDirectory: volume.path } : {};
  await using receiver = new RunningReceiver(place, cluster, options);
  await receiver.streaming();
  await writeWal(cluster, 20);
  const end = await currentLsn(cluster);
  const full = what === 'spool' ? 'file-io' : 'backend-full';
  await waitFor(() => receiver.status?.problem?.code === full, { what: 'the trouble' });
  const stuckAt = receiver.status?.flushedLsn ?? 0n;
  if (what === 'repository') expect(stuckAt).toBeLessThan(end);
  execFileSync('mount', ['-o', 'remount,size=200m', volume.path]);
  await untilArchived(receiver, end);
  await waitFor(() => receiver.status?.problem === undefined, { what: 'the end of the trouble' });
  await receiver.stop();
  const comparison = await compareArchive(archive, cluster.dataDirectory);
  expect(comparison).toMatchObject({ different: [], unknown: [], gaps: [] });
}

async function smallVolume(size: string): Promise<{ path: string } & AsyncDisposable> {
  const directory = await tempDir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory.path]);
  return {
    path: directory.path,
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['-l', directory.path]);
      await directory[Symbol.asyncDispose]();
    },
  };
}
