import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { silentProgress } from '../../base/progress.ts';
import { withLock } from '../../repository/lock.ts';
import { newRepository, objectNames, reopen } from '../../testing/repositories.ts';
import { SimulatedClock } from '../../testing/simulatedClock.ts';
import { saveProof } from '../../verify/proofStore.ts';
import { verifyRepository } from '../../verify/verifyRepository.ts';
import { verifyAndKeep } from './verifyAndKeep.ts';

test('nobody forgets or prunes between the end of a verification and its proof', async () => {
  const ctx = createContext({ clock: new SimulatedClock() });
  const repository = await newRepository({ ctx });
  const other = await reopen(repository, ctx);
  const { proof, object } = await verifyAndKeep(ctx, repository, {
    verify: async (locked, opened) => ({
      proof: await verifyRepository(locked, opened, { level: 1, progress: silentProgress }),
    }),
    keep: async (made) => {
      const prune = withLock(ctx, other, { exclusive: true, run: async () => undefined });
      await expect(prune).rejects.toMatchObject({ code: 'repository-locked' });
      return saveProof(ctx, repository, made);
    },
  });
  expect(proof.verdict).toBe('passed');
  expect(await objectNames(repository.backend, 'understudy/proofs/')).toEqual([object]);
  expect(await objectNames(repository.backend, 'locks/')).toEqual([]);
});
