import { expect, test } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { newRepository, objectNames } from '../testing/repositories.ts';
import { withLock } from './lock.ts';
import { withReadLock } from './readLock.ts';

const ctx = createContext();

test('a reader holds a lock, and respects that of others', async () => {
  const repository = await newRepository();
  const locks = (): Promise<string[]> => objectNames(repository.backend, 'locks/');
  expect(await withReadLock(ctx, repository, { run: locks })).toHaveLength(1);
  expect(await locks()).toEqual([]);
  const run = (locked: typeof ctx) => withReadLock(locked, repository, { run: async () => 'read' });
  await expect(withLock(ctx, repository, { exclusive: true, run })).rejects.toMatchObject({
    code: 'repository-locked',
  });
});

test.each([
  ['backend-denied', 'read'],
  ['backend-io', undefined],
] as const)('a lock that cannot be written because of %s', async (code, answer) => {
  const backend = new FaultBackend(openMemoryBackend(), { errors: [{ kind: 'put', nth: 3, code }] });
  const repository = await newRepository({ backend });
  const reading = withReadLock(ctx, repository, { run: async () => 'read' });
  if (answer === undefined) await expect(reading).rejects.toMatchObject({ code });
  else expect(await reading).toBe(answer);
});
