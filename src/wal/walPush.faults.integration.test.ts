import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { seededRandom } from '../base/random.ts';
import { chownTree } from '../postgres/runtimeUser.ts';
import { rootOnly } from '../testing/needs.ts';
import { giveToServer } from '../testing/postgresServer.ts';
import { serverUser } from '../testing/serverUser.ts';
import { tempDir } from '../testing/tempDir.ts';
import { PgWal } from './fixture/pgWal.ts';
import { madeSegment, testCluster } from './fixture/segments.ts';
import { createServerRepository, program, runAsServer, serverEnvironment } from './fixture/walCommands.ts';
import { WalArchive } from './walArchive.ts';
import { findGaps } from './walGaps.ts';
import { listArchive } from './walListing.ts';
import { stopArchiver } from './walPushRequest.ts';

const ctx = createContext();
const cluster = ['--cluster', String(testCluster)];

/** Segments that do not compress, announced as ready. */
async function waitingSegments(directory: string, count: number) {
  const pgWal = new PgWal(directory);
  const added = Array.from({ length: count }, (_, index) => {
    const { name, content } = madeSegment({ number: BigInt(index + 1) });
    randomFillSync(content, 40);
    return { name, content, path: pgWal.addFile(name, content) };
  });
  const user = serverUser();
  if (user !== undefined) await chownTree(ctx, directory, user);
  return added;
}

/** Everything that is listed is whole, and nothing is missing in the middle. */
async function expectSound(archive: WalArchive): Promise<number> {
  const listing = await listArchive(ctx, archive);
  for (const { file } of listing.objects) await archive.get(ctx, file);
  expect(findGaps(listing)).toEqual([]);
  return listing.objects.length;
}

rootOnly('a full repository: failure is told, nothing is torn, and there is success once there is room', async (t) => {
  await using directory = await tempDir({ owner: 'server' });
  const disk = directory.join('disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=755', 'understudy-test', disk], { stdio: 'pipe' });
  } catch (error) {
    if (process.env['CI'] !== 'true') t.skip(`root may not mount here: ${String(error)}`);
    throw error;
  }
  try {
    await giveToServer(disk);
    const repository = await createServerRepository(disk);
    const added = await waitingSegments(directory.join('data'), 10);
    const spool = ['--spool', directory.join('spool')];
    for (const background of [[], spool]) {
      const push = (path: string) =>
        runAsServer(['wal', 'push', ...repository.commonArguments, ...cluster, ...background, path]);
      const results = added.map(({ path }) => push(path));
      const failed = results.filter(({ status }) => status !== 0);
      expect(failed.length).toBeGreaterThan(0);
      for (const { status, stderr } of failed) {
        expect(status).toBe(1);
        expect(stderr).toContain('ENOSPC');
      }
      const archive = WalArchive.of(await repository.open(), testCluster);
      expect(await expectSound(archive)).toBe(results.length - failed.length);
    }
    execFileSync('mount', ['-o', 'remount,size=32m', disk]);
    for (const { path } of added) {
      expect(runAsServer(['wal', 'push', ...repository.commonArguments, ...cluster, ...spool, path]).status).toBe(0);
    }
    const archive = WalArchive.of(await repository.open(), testCluster);
    expect(await expectSound(archive)).toBe(added.length);
    await stopArchiver(directory.join('spool'), ctx.signal);
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
});

test('a pusher that is killed at any moment leaves nothing torn, and the next one succeeds', async () => {
  await using directory = await tempDir({ owner: 'server' });
  const repository = await createServerRepository(directory.path);
  const added = await waitingSegments(directory.join('data'), 12);
  const random = seededRandom(7);
  const user = serverUser();
  const archive = WalArchive.of(await repository.open(), testCluster);
  for (const { name, path, content } of added) {
    const words = ['wal', 'push', ...repository.commonArguments, ...cluster, path];
    const pusher = spawn(program[0], [program[1], ...words], {
      stdio: 'ignore',
      env: serverEnvironment(),
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    const ended = once(pusher, 'exit');
    await Promise.race([ended, delay(300 + random() * 900)]);
    pusher.kill('SIGKILL');
    await ended;
    await expectSound(archive);
    expect(runAsServer(words)).toMatchObject({ status: 0, stderr: '' });
    expect((await archive.get(ctx, { kind: 'segment', segment: name })).content.equals(content)).toBe(true);
  }
});
