import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openLocalBackend } from '../backend/local.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { forget } from '../retention/forget.ts';
import { createStockRepository } from '../testing/stockRepository.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { needs } from '../testing/needs.ts';
import { restic, type Restic } from '../testing/restic.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { checkRepository } from './check.ts';
import { planTestPrune, prune } from './fixture/pruning.ts';
import { newLocalRepository, objectNames, passwordText, reopen } from '../testing/repositories.ts';
import { backUp, digestsOf, restoreAll, type TestFiles } from '../testing/testSnapshots.ts';
import { Repository } from './repository.ts';

const ctx = createContext();
const compat = needs('restic');
const none = { kind: 'bytes', bytes: 0 } as const;

async function requireClean(repository: Repository, stock: Restic): Promise<void> {
  const report = await checkRepository(ctx, repository, {
    references: snapshotReferences,
    data: { kind: 'all' },
    threads: 1,
  });
  expect(report).toMatchObject({ errors: [], hints: [] });
  expect(await stock.run('check', '--read-data')).toContain('no errors were found');
}

/** Three snapshots of ours; each shares every other piece with the one before. */
async function ours(directory: TempDir) {
  const path = directory.join('ours');
  const repository = await newLocalRepository(path);
  const snapshots = new Map<string, TestFiles>();
  let a = randomBytes(200_000);
  for (let count = 0; count < 3; count++) {
    a = Buffer.from(a);
    for (let at = count * 4096; at < a.length; at += 8192) randomBytes(4096).copy(a, at);
    const files = { a, b: randomBytes(10_000) };
    snapshots.set((await backUp(ctx, repository, { files })).id, files);
  }
  return { path, repository, snapshots, stock: restic(path, passwordText) };
}

const wal = { windowMs: undefined };

compat('what we pruned is sound for stock restic, and leaves it nothing to prune', async () => {
  await using directory = await tempDir();
  const { repository, snapshots, stock } = await ours(directory);
  const [first = ''] = snapshots.keys();
  await forget(ctx, repository, { selection: { named: [first] }, prune: { repack: { maxUnused: none }, wal } });
  snapshots.delete(first);
  await requireClean(repository, stock);
  const told = await stock.run('prune', '--dry-run', '--max-unused', '0');
  expect(told).toMatch(/to repack: +0 blobs/);
  expect(told).toMatch(/total prune: +0 blobs/);
  expect(digestsOf(await restoreAll(repository))).toEqual(digestsOf(snapshots));
});

compat('stock restic lists, forgets, prunes, copies and rebuilds our repository', async () => {
  await using directory = await tempDir();
  const { path, repository, snapshots, stock } = await ours(directory);
  const listed = await stock.json<{ id: string }[]>('snapshots');
  expect(listed.map(({ id }) => id).sort()).toEqual([...snapshots.keys()].sort());
  const [first = ''] = snapshots.keys();
  await stock.run('forget', first, '--prune', '--max-unused', '0');
  snapshots.delete(first);
  const pruned = await reopen(repository);
  await requireClean(pruned, stock);
  expect(digestsOf(await restoreAll(pruned))).toEqual(digestsOf(snapshots));
  expect((await planTestPrune(pruned, { maxUnused: none })).stats).toMatchObject({ unusedBytes: 0 });

  for (const name of await objectNames(repository.backend, 'index/')) await repository.backend.delete(ctx, name);
  await stock.run('rebuild-index');
  const rebuilt = await reopen(repository);
  await requireClean(rebuilt, stock);
  expect(digestsOf(await restoreAll(rebuilt))).toEqual(digestsOf(snapshots));

  const target = directory.join('copy');
  await newLocalRepository(target);
  writeFileSync(directory.join('password'), passwordText);
  await restic(target, passwordText).run(
    'copy',
    '--from-repo',
    path,
    '--from-password-file',
    directory.join('password'),
  );
  const copied = await Repository.open(ctx, openLocalBackend(target), { password: new Secret(passwordText) });
  expect(Object.values(digestsOf(await restoreAll(copied)))).toEqual(
    expect.arrayContaining(Object.values(digestsOf(snapshots))),
  );
});

compat('we forget and prune stock restic’s repository; what stays restores', async () => {
  await using directory = await tempDir();
  const path = directory.join('stock');
  const source = directory.join('source');
  mkdirSync(path);
  mkdirSync(join(source, 'sub'), { recursive: true });
  const { restic: stock } = createStockRepository(path);
  for (let count = 0; count < 3; count++) {
    writeFileSync(join(source, 'changing'), randomBytes(1_500_000));
    appendFileSync(join(source, 'sub/growing'), randomBytes(700_000));
    await stock.run('backup', source);
  }
  const repository = await Repository.open(ctx, openLocalBackend(path), { password: new Secret('secret') });
  const { forgotten, pruned } = await forget(ctx, repository, {
    selection: { policy: { last: 1 } },
    prune: { repack: { maxUnused: none, repackSmall: true }, wal },
  });
  expect([forgotten.keep.length, forgotten.remove.length]).toEqual([1, 2]);
  expect(pruned?.pruned.stats.freedBytes).toBeGreaterThan(2_900_000);
  await requireClean(repository, stock);
  await stock.run('restore', 'latest', '--verify', '--target', directory.join('restored'));
  for (const name of ['changing', 'sub/growing']) {
    const restored = readFileSync(join(directory.join('restored'), source, name));
    expect(restored.equals(readFileSync(join(source, name)))).toBe(true);
  }
  await stock.run('backup', source);
  await prune(ctx, repository);
  await requireClean(repository, stock);
});
