import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { openLocalBackend } from '../backend/local.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { needs } from '../testing/needs.ts';
import { restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { newLocalRepository, passwordText, quickCost } from '../testing/repositories.ts';
import { addKey, changePassword, listKeys, removeKey } from './keys.ts';
import { Repository } from './repository.ts';

const ctx = createContext();
const compat = needs('restic');

interface StockKey {
  readonly current: boolean;
  readonly id: string;
  readonly userName: string;
}

compat('stock restic lists, adds, changes and removes keys of our repository', async () => {
  await using directory = await tempDir();
  const path = directory.join('repo');
  const repository = await newLocalRepository(path);
  const stock = restic(path, passwordText);
  const owner = { username: 'backup', hostname: 'db1' };
  const ours = await addKey(ctx, repository, { password: new Secret('ours'), cost: quickCost, owner });
  const listed = await stock.json<StockKey[]>('key', 'list');
  expect(listed.find(({ id }) => ours.startsWith(id))).toMatchObject({ userName: 'backup', current: false });
  await restic(path, 'ours').run('snapshots');

  writeFileSync(directory.join('new'), 'theirs');
  await stock.run('key', 'add', '--new-password-file', directory.join('new'));
  const theirs = await Repository.open(ctx, repository.backend, { password: new Secret('theirs') });
  expect(await listKeys(ctx, theirs)).toHaveLength(3);
  await restic(path, 'theirs').run('key', 'remove', ours);
  await stock.run('key', 'passwd', '--new-password-file', directory.join('new'));
  expect((await listKeys(ctx, theirs)).every(({ problem }) => problem === undefined)).toBe(true);
  await restic(path, 'theirs').run('check', '--read-data');
});

compat('we list, add, change and remove keys of stock restic’s repository', async () => {
  await using directory = await tempDir();
  const path = directory.join('repo');
  const stock = restic(path, passwordText);
  await stock.run('init');
  const repository = await Repository.open(ctx, openLocalBackend(path), { password: new Secret(passwordText) });
  const second = await addKey(ctx, repository, { password: new Secret('second'), cost: quickCost });
  await changePassword(ctx, repository, { password: new Secret('changed'), cost: quickCost });
  expect((await stock.attempt('snapshots')).status).not.toBe(0);
  const changed = await Repository.open(ctx, repository.backend, { password: new Secret('changed') });
  await removeKey(ctx, changed, { id: second });
  expect(await restic(path, 'changed').json<StockKey[]>('key', 'list')).toHaveLength(1);
  await restic(path, 'changed').run('check', '--read-data');
});
