import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { newRepository, objectNames } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { acknowledgeChange } from './acknowledge.ts';
import { backUpSource } from './fixture/sources.ts';
import { forget, type ForgetRun } from './forget.ts';
import { prune } from './prune.ts';

const dayMs = 86_400_000;

async function bench() {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx });
  const steady = randomBytes(100_000);
  let changing = randomBytes(4_000);
  /** A backup of the same with a little that is new; other content when it is given. */
  const backUpOf = async (content?: Buffer, sizeBytes?: number): Promise<string> => {
    clock.advance(dayMs);
    changing = randomBytes(4_000);
    const record = sizeBytes === undefined ? {} : { sizeBytes };
    return (await backUpSource(ctx, repository, { files: { steady: content ?? steady, changing }, record })).id;
  };
  const forgetAll = (run: Partial<ForgetRun> = {}) =>
    forget(ctx, repository, { selection: { policy: { last: 1 } }, ...run });
  const present = async () => (await repository.listIds(ctx, 'snapshots')).length;
  return { ctx, repository, backUpOf, forgetAll, present };
}

test('a backup of less than half of the usual size holds the source, until somebody acknowledges it', async () => {
  const { ctx, repository, backUpOf, forgetAll, present } = await bench();
  for (const size of [900, 1000, 1000, 1100]) await backUpOf(undefined, size);
  const small = await backUpOf(undefined, 499);
  const told = await forgetAll({ dryRun: true });
  expect(told.held).toMatchObject([{ source: 'main', cause: 'change' }]);
  expect(await objectNames(repository.backend, 'understudy/holds/')).toEqual([]);
  const { held, forgotten } = await forgetAll();
  expect(held[0]?.reason).toBe(`backup ${small.slice(0, 8)} has 499 bytes, where 1000 are usual`);
  expect(forgotten.remove).toEqual([]);
  expect(forgotten.groups[0]?.decisions.at(-1)?.reasons).toEqual(['retention is held']);
  for (let day = 0; day < 5; day++) await backUpOf(undefined, 499); // the small size is usual by now, and still held
  expect((await forgetAll()).held).toHaveLength(1);
  expect((await prune(ctx, repository, { repack: {}, wal: { windowMs: undefined } })).held).toHaveLength(1);
  expect(await present()).toBe(10);
  expect(await acknowledgeChange(ctx, repository, { source: 'main' })).toMatchObject({ reason: held[0]?.reason });
  await backUpOf(undefined, 500);
  expect(await forgetAll()).toMatchObject({ held: [], forgotten: { remove: { length: 10 } } });
  expect(await present()).toBe(1);
});

test('a backup that is mostly new, where little is usual, holds the source; afterwards that is the usual', async () => {
  const { ctx, repository, backUpOf, forgetAll, present } = await bench();
  for (let day = 0; day < 4; day++) await backUpOf();
  expect((await forgetAll({ dryRun: true })).held).toEqual([]);
  const encrypted = randomBytes(100_000);
  const id = await backUpOf(encrypted);
  const { held } = await forgetAll();
  expect(held[0]?.reason).toBe(`100 % of backup ${id.slice(0, 8)} is new, where 4 % is usual`);
  expect(await present()).toBe(5);
  await acknowledgeChange(ctx, repository, { source: 'main' });
  await backUpOf(encrypted);
  expect((await forgetAll()).held).toEqual([]);
  expect(await present()).toBe(1);
});

test('a source that is always written anew, logs, and a source with few backups are not held', async () => {
  const always = await bench();
  for (let day = 0; day < 5; day++) await always.backUpOf(randomBytes(100_000));
  expect((await always.forgetAll()).held).toEqual([]);
  const logs = await bench();
  for (const sizeBytes of [1000, 1000, 1000, 10]) {
    await backUpSource(logs.ctx, logs.repository, { source: 'logs', kind: 'logs', record: { sizeBytes } });
  }
  expect((await logs.forgetAll({ dryRun: true })).held).toEqual([]);
  const few = await bench();
  for (const size of [1000, 1000, 100]) await few.backUpOf(undefined, size);
  expect((await few.forgetAll()).held).toEqual([]);
});

test('a hold that cannot be read stops everything; a source without backups cannot be acknowledged', async () => {
  const { ctx, repository, backUpOf, forgetAll, present } = await bench();
  for (const size of [1000, 1000, 1000, 100]) await backUpOf(undefined, size);
  await forgetAll();
  const [object = ''] = await objectNames(repository.backend, 'understudy/holds/');
  expect(object).toMatch(/^understudy\/holds\/main\/[0-9TZ]+-held$/);
  await repository.backend.put(ctx, object, Buffer.from('damaged'));
  await expect(forgetAll()).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(await present()).toBe(4);
  await expect(acknowledgeChange(ctx, repository, { source: 'other' })).rejects.toMatchObject({ code: 'not-found' });
});

test('a shrink is found although other backups followed before anybody looked', async () => {
  const { ctx, repository, backUpOf, forgetAll, present } = await bench();
  for (let day = 0; day < 8; day++) await backUpOf(undefined, 1000);
  const first = await backUpOf(undefined, 100);
  for (let day = 0; day < 5; day++) await backUpOf(undefined, 100);
  const { held } = await forgetAll();
  expect(held[0]?.reason).toBe(`backup ${first.slice(0, 8)} has 100 bytes, where 1000 are usual`);
  expect(await present()).toBe(14);
  await acknowledgeChange(ctx, repository, { source: 'main' });
  expect((await forgetAll()).held).toEqual([]);
});

test('a rewrite is found although another backup of the same followed', async () => {
  const { backUpOf, forgetAll } = await bench();
  for (let day = 0; day < 4; day++) await backUpOf();
  const encrypted = randomBytes(100_000);
  const id = await backUpOf(encrypted);
  await backUpOf(encrypted);
  expect((await forgetAll()).held[0]?.reason).toBe(`100 % of backup ${id.slice(0, 8)} is new, where 4 % is usual`);
});

test('a backup that cannot be read does not hide a change', async () => {
  const { ctx, repository, backUpOf, forgetAll } = await bench();
  for (const size of [1000, 1000, 1000]) await backUpOf(undefined, size);
  await backUpSource(ctx, repository, { record: null });
  await backUpOf(undefined, 100);
  expect((await forgetAll({ dryRun: true })).held).toMatchObject([{ cause: 'change' }]);
  await backUpSource(ctx, repository, { record: null });
  expect((await forgetAll()).held).toMatchObject([{ cause: 'change' }]);
});

test('a hold comes after an acknowledgement, whatever the clock said then', async () => {
  const { ctx, repository, backUpOf, forgetAll, present } = await bench();
  for (const size of [1000, 1000, 1000, 1000]) await backUpOf(undefined, size);
  const ahead = new SimulatedClock(new Date(ctx.clock.now().getTime() + 100 * dayMs).toISOString());
  await acknowledgeChange({ ...ctx, clock: ahead }, repository, { source: 'main' });
  for (const size of [1000, 1000, 1000, 100]) await backUpOf(undefined, size);
  for (let run = 0; run < 2; run++) expect((await forgetAll()).held).toMatchObject([{ cause: 'change' }]);
  for (const size of [1000, 1000]) await backUpOf(undefined, size);
  expect((await forgetAll()).held).toHaveLength(1);
  expect(await objectNames(repository.backend, 'understudy/holds/')).toHaveLength(2);
  expect(await present()).toBe(10);
});
