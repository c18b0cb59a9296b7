import { readdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { createContext } from '../base/context.ts';
import { needs } from '../testing/needs.ts';
import { restic } from '../testing/restic.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { startLockHolder } from './fixture/lockedProcess.ts';
import { newLocalRepository, passwordText } from '../testing/repositories.ts';
import { listLocks, removeLocks } from './heldLocks.ts';
import { withLock } from './lock.ts';

const ctx = createContext();
const compat = needs('restic');

async function setUp(directory: TempDir) {
  const path = directory.join('repo');
  const repository = await newLocalRepository(path);
  return { path, repository, stock: restic(path, passwordText), locks: () => readdirSync(`${path}/locks`) };
}

compat('stock restic respects our locks: shared keeps prune out, exclusive keeps everybody out', async () => {
  await using directory = await tempDir();
  const { repository, stock } = await setUp(directory);
  const status = async (...words: string[]): Promise<number> => (await stock.attempt(...words)).status;
  await withLock(ctx, repository, {
    exclusive: false,
    run: async () => {
      expect(await status('snapshots')).toBe(0);
      expect(await status('prune')).not.toBe(0);
    },
  });
  await withLock(ctx, repository, {
    exclusive: true,
    run: async () => expect(await status('snapshots')).not.toBe(0),
  });
  expect(await status('prune')).toBe(0);
});

compat('we respect stock restic’s locks', async () => {
  await using directory = await tempDir();
  const { path, repository, locks } = await setUp(directory);
  const held = (words: string[]) =>
    spawn('restic', ['--no-cache', '-r', path, ...words], {
      env: { ...process.env, RESTIC_PASSWORD: passwordText },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  // a backup of standard input holds its shared lock until the input ends
  const backup = held(['backup', '--stdin']);
  const ended = once(backup, 'close');
  await waitFor(() => locks().length === 1, { what: 'the lock of the backup' });
  await withLock(ctx, repository, { exclusive: false, run: async () => undefined });
  const attempt = withLock(ctx, repository, { exclusive: true, run: async () => undefined });
  await expect(attempt).rejects.toMatchObject({
    code: 'repository-locked',
    message: expect.stringContaining(`pid ${backup.pid}`),
  });
  expect((await listLocks(ctx, repository)).map(({ lock, stale }) => [lock?.pid, stale])).toEqual([
    [backup.pid, false],
  ]);
  backup.kill('SIGKILL');
  await ended;
  await expect(withLock(ctx, repository, { exclusive: true, run: async () => undefined })).rejects.toMatchObject({
    hint: expect.stringContaining('unlock'),
  });
  expect(await removeLocks(ctx, repository, 'stale')).toHaveLength(1);
  await withLock(ctx, repository, { exclusive: true, run: async () => undefined });
});

compat('a holder survives the SIGHUP of stock restic’s unlock and keeps its lock', async () => {
  await using directory = await tempDir();
  const { path, stock, locks } = await setUp(directory);
  await using holder = await startLockHolder(path, passwordText, 'exclusive');
  expect(holder.first).toBe('held');
  await stock.run('unlock');
  expect(locks()).toHaveLength(1);
  expect(await holder.release()).toBe('done');
  expect(locks()).toEqual([]);
});

compat('a holder whose lock is removed by stock restic’s unlock --remove-all is told before it commits', async () => {
  await using directory = await tempDir();
  const { path, stock } = await setUp(directory);
  await using holder = await startLockHolder(path, passwordText, 'shared');
  await stock.run('unlock', '--remove-all');
  expect(await holder.release()).toBe('lock-lost');
});

compat(
  'the lock of a process that was killed is in nobody’s way: ours go on at once, stock restic after unlock',
  async () => {
    await using directory = await tempDir();
    const { path, repository, stock, locks } = await setUp(directory);
    for (const clean of ['ours', 'stock']) {
      await using holder = await startLockHolder(path, passwordText, 'exclusive');
      await using second = await startLockHolder(path, passwordText, 'shared');
      expect([holder.first, second.first]).toEqual(['held', 'repository-locked']);
      await holder.kill();
      expect(locks()).toHaveLength(1);
      if (clean === 'stock') await stock.run('unlock');
      else await withLock(ctx, repository, { exclusive: true, run: async () => undefined });
      expect(locks()).toEqual([]);
      expect((await stock.attempt('prune')).status).toBe(0);
    }
  },
);

compat('many processes at once: never two exclusive holders', async () => {
  await using directory = await tempDir();
  const { path, repository } = await setUp(directory);
  const holders = await Promise.all(Array.from({ length: 4 }, () => startLockHolder(path, passwordText, 'exclusive')));
  expect(holders.filter(({ first }) => first === 'held').length).toBeLessThanOrEqual(1);
  await Promise.all(holders.map((holder) => holder.release()));
  expect(await listLocks(ctx, repository)).toEqual([]);
});
