import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { newRepository, objectNames, reopen } from '../testing/repositories.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { prune } from './fixture/pruning.ts';
import { removeLocks } from './heldLocks.ts';

test('packs that are no longer named stay when the lock is lost before they go', async () => {
  const ctx = createContext({ clock: new SimulatedClock() });
  const repository = await newRepository({ ctx });
  const gone = await backUp(ctx, repository, { files: { a: randomBytes(50_000) } });
  await backUp(ctx, repository, { files: { a: randomBytes(5_000) } });
  await repository.removeDocument(ctx, 'snapshots', gone.id);
  const packs = await objectNames(repository.backend, 'data/');
  const other = await reopen(repository, ctx);
  const { backend } = repository;
  const remove = backend.delete.bind(backend);
  backend.delete = async (at, name) => {
    await remove(at, name);
    if (name.startsWith('index/')) await removeLocks(ctx, other, 'all');
  };
  await expect(prune(ctx, repository)).rejects.toMatchObject({ code: 'lock-lost' });
  backend.delete = remove;
  expect(await objectNames(backend, 'data/')).toEqual(expect.arrayContaining(packs));
  await prune(ctx, other);
  expect((await objectNames(backend, 'data/')).length).toBeLessThan(packs.length);
});
