import { expect, test } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { newRepository, objectNames, password, quickCost } from '../testing/repositories.ts';
import { addKey, changePassword, listKeys, removeKey } from './keys.ts';
import { withLock } from './lock.ts';
import { Repository } from './repository.ts';

const ctx = createContext();
const other = new Secret('other');
const third = new Secret('third');
const openWith = (repository: Repository, secret: Secret) =>
  Repository.open(ctx, repository.backend, { password: secret });

test('a second password opens the same repository; the list tells whose keys there are', async () => {
  const repository = await newRepository();
  const owner = { username: 'backup', hostname: 'db1' };
  const id = await addKey(ctx, repository, { password: other, cost: quickCost, owner });
  const opened = await openWith(repository, other);
  expect([opened.keyId, opened.config.id]).toEqual([id, repository.config.id]);
  expect(await listKeys(ctx, opened)).toMatchObject([
    { id, current: true, ...owner, created: expect.stringMatching(/^\d{4}-/) },
    { id: repository.keyId, current: false },
  ]);
  expect(await objectNames(repository.backend, 'locks/')).toEqual([]);
});

test('an empty password is refused', async () => {
  const repository = await newRepository();
  await expect(addKey(ctx, repository, { password: new Secret('') })).rejects.toMatchObject({ code: 'usage' });
});

test('a key is removed by the beginning of its id, never the current one', async () => {
  const repository = await newRepository();
  const id = await addKey(ctx, repository, { password: other, cost: quickCost });
  await expect(removeKey(ctx, repository, { id: repository.keyId })).rejects.toMatchObject({ code: 'key-in-use' });
  for (const nothing of ['', 'xyz']) {
    await expect(removeKey(ctx, repository, { id: nothing })).rejects.toMatchObject({ code: 'not-found' });
  }
  expect(await removeKey(ctx, repository, { id: id.slice(0, 10).toUpperCase() })).toBe(id);
  await expect(openWith(repository, other)).rejects.toMatchObject({ code: 'wrong-password' });
  await openWith(repository, password);
});

test('an id prefix of several keys names none', async () => {
  const repository = await newRepository();
  const firsts = new Map([[repository.keyId[0], 1]]);
  while (Math.max(...firsts.values()) < 2) {
    const first = (await addKey(ctx, repository, { password: other, cost: quickCost }))[0];
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  const twice = [...firsts].find(([, count]) => count === 2)?.[0] ?? '';
  await expect(removeKey(ctx, repository, { id: twice })).rejects.toMatchObject({ code: 'ambiguous-id' });
});

test('two who remove each other’s key do not leave the repository without one', async () => {
  const first = await newRepository();
  const id = await addKey(ctx, first, { password: other, cost: quickCost });
  const second = await openWith(first, other);
  await removeKey(ctx, first, { id });
  await expect(removeKey(ctx, second, { id: first.keyId })).rejects.toMatchObject({ code: 'key-in-use' });
  await expect(changePassword(ctx, second, { password: third })).rejects.toMatchObject({ code: 'key-in-use' });
  await openWith(first, password);
});

test('a changed password replaces the current key and leaves the others', async () => {
  const repository = await newRepository();
  await addKey(ctx, repository, { password: third, cost: quickCost });
  const { added, removed } = await changePassword(ctx, repository, { password: other, cost: quickCost });
  expect(removed).toBe(repository.keyId);
  expect((await openWith(repository, other)).keyId).toBe(added);
  await openWith(repository, third);
  await expect(openWith(repository, password)).rejects.toMatchObject({ code: 'wrong-password' });
});

test('a key that does not come back as it was written is not trusted', async () => {
  const { backend } = await newRepository();
  const damaging = new FaultBackend(backend);
  const repository = await Repository.open(ctx, damaging, { password });
  const wrong = await backend.get(ctx, `keys/${repository.keyId}`);
  const before = await objectNames(backend, 'keys/');
  damaging.get = async () => Buffer.from(wrong.toString().replace('"salt":"', '"salt":"AAAA'));
  await expect(changePassword(ctx, repository, { password: other, cost: quickCost })).rejects.toMatchObject({
    code: 'repository-damaged',
  });
  expect(await objectNames(backend, 'keys/')).toEqual(expect.arrayContaining(before));
});

test('keys are added beside other work, and removed only alone', async () => {
  const repository = await newRepository();
  const worker = await openWith(repository, password);
  await withLock(ctx, worker, {
    exclusive: false,
    run: async () => {
      const id = await addKey(ctx, repository, { password: other, cost: quickCost });
      await expect(removeKey(ctx, repository, { id })).rejects.toMatchObject({ code: 'repository-locked' });
      await expect(changePassword(ctx, repository, { password: third })).rejects.toMatchObject({
        code: 'repository-locked',
      });
    },
  });
});
