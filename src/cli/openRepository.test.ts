import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import type { RepositorySettings } from '../config/repositorySettings.ts';
import { openLocalBackend } from '../backend/local.ts';
import { Repository } from '../repository/repository.ts';
import { tempDir } from '../testing/tempDir.ts';
import type { GlobalValues } from './globalOptions.ts';
import { lockWait, openRepository } from './openRepository.ts';

const quickCost = { N: 1024, r: 8, p: 1 };

function invocation(location: string, keyCacheFile: string | undefined, password: string) {
  const settings: RepositorySettings = {
    location,
    password: { kind: 'none' },
    compression: 'auto',
    packSizeBytes: 16 * 2 ** 20,
    keyCacheFile,
  };
  let asked = 0;
  return {
    global: { retryLock: 300_000 } as GlobalValues,
    repositorySettings: async () => settings,
    repositoryPassword: async () => {
      asked++;
      return new Secret(password);
    },
    asked: () => asked,
  };
}

test('the password is needed once where a key cache was asked for, and each time elsewhere', async () => {
  await using directory = await tempDir();
  const ctx = createContext();
  const location = directory.join('repository');
  const backend = openLocalBackend(location, { create: true });
  await Repository.init(ctx, backend, { password: new Secret('right'), cost: quickCost });

  const plain = invocation(location, undefined, 'right');
  await openRepository(ctx, plain);
  await openRepository(ctx, plain);
  expect(plain.asked()).toBe(2);

  const cached = invocation(location, directory.join('private/cache'), 'right');
  const first = await openRepository(ctx, cached);
  const second = await openRepository(ctx, cached);
  expect(cached.asked()).toBe(1);
  expect(second.masterKey).toEqual(first.masterKey);

  await backend.delete(ctx, `keys/${first.keyId}`);
  await expect(openRepository(ctx, cached)).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(cached.asked()).toBe(2);
});

test('a wrong password fills no cache, and a cache that cannot be written stops nothing', async () => {
  await using directory = await tempDir();
  const ctx = createContext();
  const location = directory.join('repository');
  await Repository.init(ctx, openLocalBackend(location, { create: true }), {
    password: new Secret('right'),
    cost: quickCost,
  });
  const wrong = invocation(location, directory.join('private/cache'), 'wrong');
  await expect(openRepository(ctx, wrong)).rejects.toMatchObject({ code: 'wrong-password' });
  expect(existsSync(directory.join('private/cache'))).toBe(false);
  await openRepository(ctx, invocation(location, '/proc/cache', 'right'));
  expect(lockWait(wrong)).toEqual({ retryMs: 300_000 });
});
