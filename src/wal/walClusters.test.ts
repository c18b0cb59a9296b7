import { expect, test } from 'vitest';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { otherCluster, testCluster, testRepository } from './fixture/segments.ts';
import { WalArchive } from './walArchive.ts';
import { archivedClusters, claimArchive } from './walClusters.ts';

const ctx = createContext();

test('the first cluster is admitted, another one only by name', async () => {
  const repository = await testRepository();
  const first = WalArchive.of(repository, testCluster);
  const second = WalArchive.of(repository, otherCluster);
  await claimArchive(ctx, first, { named: false });
  await claimArchive(ctx, first, { named: false });
  await expect(claimArchive(ctx, second, { named: false })).rejects.toMatchObject({ code: 'cluster-mismatch' });
  expect(await archivedClusters(ctx, first)).toEqual([String(testCluster)]);
  await claimArchive(ctx, second, { named: true });
  await claimArchive(ctx, second, { named: false });
  expect(await archivedClusters(ctx, second)).toEqual([String(testCluster), String(otherCluster)]);
});

test('of two first clusters at once one wins', async () => {
  const repository = await testRepository(openMemoryBackend());
  const claims = [testCluster, otherCluster].map((cluster) =>
    claimArchive(ctx, WalArchive.of(repository, cluster), { named: false }),
  );
  const results = await Promise.allSettled(claims);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});
