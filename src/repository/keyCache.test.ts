import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { generateMasterKey } from './crypto/masterKey.ts';
import { newRepository, quickCost } from '../testing/repositories.ts';
import { loadKeyCache, removeKeyCache, saveKeyCache } from './keyCache.ts';
import { addKey, removeKey } from './keys.ts';
import { Repository } from './repository.ts';
import { createConfig } from './repositoryConfig.ts';
import { Secret } from '../base/secret.ts';

const id = (): string => randomBytes(32).toString('hex');
const key = { repositoryId: id(), keyId: id(), masterKey: generateMasterKey() };
const holder = { ...key, config: { ...createConfig(), id: key.repositoryId } };
const denied = expect.objectContaining({ code: 'file-denied', hint: expect.stringContaining('600') });

test('what was written is read, for this repository only, and its owner alone can', async () => {
  await using directory = await tempDir();
  const path = directory.join('made for it', 'cache');
  expect(loadKeyCache(path)).toBeUndefined();
  saveKeyCache(path, holder);
  expect(loadKeyCache(path)).toEqual(key);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(directory.join('made for it')).mode & 0o777).toBe(0o700);
  expect(readFileSync(path, 'utf8')).toContain('whoever reads it can read every backup');
  removeKeyCache(path);
  removeKeyCache(path);
  expect(loadKeyCache(path)).toBeUndefined();
});

test('a damaged cache is no cache', async () => {
  await using directory = await tempDir();
  const path = directory.join('cache');
  const { masterKey: _, ...rest } = key;
  const texts = ['', '{', 'null', '7', JSON.stringify(rest), JSON.stringify({ ...rest, masterKey: 'AAAA' })];
  for (const text of [...texts, JSON.stringify({ keyId: key.keyId, masterKey: 'A'.repeat(88) })]) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(loadKeyCache(path), text).toBeUndefined();
  }
});

test.each([0o640, 0o604, 0o660, 0o620, 0o602])('a cache of mode %o is refused', async (mode) => {
  await using directory = await tempDir();
  const path = directory.join('cache');
  saveKeyCache(path, holder);
  chmodSync(path, mode);
  expect(() => loadKeyCache(path)).toThrow(denied);
});

test('a directory in which others could put another cache is refused, for reading and for writing', async () => {
  await using directory = await tempDir();
  const path = directory.join('cache');
  saveKeyCache(path, holder);
  for (const mode of [0o770, 0o777, 0o1777]) {
    chmodSync(directory.path, mode);
    expect(() => loadKeyCache(path)).toThrow(denied);
    expect(() => saveKeyCache(path, holder)).toThrow(denied);
  }
});

rootOnly('a cache, or a directory, of another user is refused', async () => {
  await using directory = await tempDir();
  const path = directory.join('cache');
  saveKeyCache(path, holder);
  chownSync(path, 65_534, 65_534);
  expect(() => loadKeyCache(path)).toThrow(denied);
  chownSync(path, 0, 0);
  chownSync(directory.path, 65_534, 65_534);
  expect(() => loadKeyCache(path)).toThrow(denied);
});

test('a link is not followed, and a place that cannot be used is named', async () => {
  await using directory = await tempDir();
  saveKeyCache(directory.join('real'), holder);
  symlinkSync(directory.join('real'), directory.join('link'));
  expect(() => loadKeyCache(directory.join('link'))).toThrow(expect.objectContaining({ code: 'file-denied' }));
  mkdirSync(directory.join('directory'), { mode: 0o700 });
  expect(() => loadKeyCache(directory.join('directory'))).toThrow(denied);
  const failure = { code: 'file-io', message: expect.stringContaining(directory.join('directory')) };
  expect(() => saveKeyCache(directory.join('directory'), holder)).toThrow(expect.objectContaining(failure));
  expect(() => removeKeyCache(directory.join('directory'))).toThrow(expect.objectContaining(failure));
});

test('a cached key opens its repository, until its key is removed', async () => {
  const ctx = createContext();
  const repository = await newRepository();
  const other = await newRepository();
  const { backend, keyId, masterKey, config } = repository;
  const cached = { repositoryId: config.id, keyId, masterKey };
  expect((await Repository.open(ctx, backend, cached)).config).toEqual(config);
  const failure = { code: 'wrong-password', hint: expect.stringContaining('cache its key again') };
  await expect(Repository.open(ctx, other.backend, cached)).rejects.toMatchObject(failure);
  await expect(Repository.open(ctx, backend, { ...cached, repositoryId: id() })).rejects.toMatchObject(failure);
  const second = new Secret('second');
  await addKey(ctx, repository, { password: second, cost: quickCost });
  await removeKey(ctx, await Repository.open(ctx, backend, { password: second }), { id: keyId });
  await expect(Repository.open(ctx, backend, cached)).rejects.toMatchObject(failure);
});
