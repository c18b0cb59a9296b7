import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { checkRepository } from '../repository/check.ts';
import { newRepository, objectNames } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp, restoreAll } from '../testing/testSnapshots.ts';
import { withLock } from '../repository/lock.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { forget, type ForgetRun } from './forget.ts';

const dayMs = 86_400_000;
const wholeLimits = { repack: {}, wal: { windowMs: undefined } };

/** Snapshots of seven days, oldest first; the third one is protected. */
async function week() {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx });
  const ids: string[] = [];
  for (let day = 0; day < 7; day++) {
    const tags = day === 2 ? ['critical'] : [];
    const snapshot = await backUp(ctx, repository, { files: { a: randomBytes(20_000) }, tags });
    ids.push(snapshot.id);
    clock.advance(dayMs);
  }
  const left = async (): Promise<number[]> => {
    const present = await repository.listIds(ctx, 'snapshots');
    return ids.flatMap((id, day) => (present.includes(id) ? [day] : []));
  };
  const run = (selection: ForgetRun['selection'], options: Omit<ForgetRun, 'selection'> = {}) =>
    forget(ctx, repository, { selection, ...options });
  return { ctx, repository, ids, left, run };
}

test('what the policy keeps stays, with reasons; what a tag protects stays too', async () => {
  const { run, left } = await week();
  const { forgotten, pruned } = await run({ policy: { daily: 3 } });
  expect(pruned).toBeUndefined();
  expect(await left()).toEqual([2, 4, 5, 6]);
  const decisions = forgotten.groups[0]?.decisions ?? [];
  expect(decisions.map(({ reasons }) => reasons[0])).toEqual([
    'daily snapshot',
    'daily snapshot',
    'daily snapshot',
    undefined,
    'protected by tag critical',
    undefined,
    undefined,
  ]);
});

test('a dry run tells the same and changes nothing, the space that a prune would free included', async () => {
  const { ctx, repository, run, left } = await week();
  const before = await objectNames(repository.backend);
  const told = await run({ policy: { last: 2 } }, { dryRun: true, prune: wholeLimits });
  expect(await objectNames(repository.backend)).toEqual(before);
  const done = await run({ policy: { last: 2 } }, { prune: wholeLimits });
  expect(done.forgotten.remove.map(({ id }) => id)).toEqual(told.forgotten.remove.map(({ id }) => id));
  expect(done.pruned?.pruned.stats).toEqual(told.pruned?.pruned.stats);
  expect(done.pruned?.pruned.stats.freedBytes).toBeGreaterThan(4 * 20_000);
  expect(await left()).toEqual([2, 5, 6]);
  const report = await checkRepository(ctx, repository, { references: snapshotReferences, data: { kind: 'all' } });
  expect(report).toMatchObject({ errors: [], hints: [] });
  expect((await restoreAll(repository)).size).toBe(3);
});

test('the filter leaves the others uncounted and unforgotten', async () => {
  const { run, left } = await week();
  await run({ policy: { last: 1, protectedTags: [] }, filter: { tags: [['critical']] } });
  expect(await left()).toHaveLength(7);
  await run({ policy: { last: 1 }, filter: { hosts: ['elsewhere'] } });
  expect(await left()).toHaveLength(7);
});

test('a group is not emptied unless that is allowed', async () => {
  const { run, left } = await week();
  const policy = { tags: [['no such tag']], protectedTags: [] };
  await expect(run({ policy })).rejects.toMatchObject({ code: 'usage' });
  expect(await left()).toHaveLength(7);
  await run({ policy, allowRemoveAll: true });
  expect(await left()).toEqual([]);
});

test('named snapshots are forgotten, protected ones and the last of a group only by force', async () => {
  const { ids, run, left } = await week();
  const { forgotten } = await run({ named: [ids[0]!.slice(0, 12), ids[6]!] });
  expect(forgotten.remove).toHaveLength(2);
  expect(await left()).toEqual([1, 2, 3, 4, 5]);
  await expect(run({ named: [ids[2]!] })).rejects.toMatchObject({
    code: 'usage',
    message: /protected by its tag critical/,
  });
  await expect(run({ named: ['zz'] })).rejects.toMatchObject({ code: 'not-found' });
  const others = [1, 3, 4, 5].map((day) => ids[day]!);
  await run({ named: [ids[2]!], force: true });
  await expect(run({ named: others })).rejects.toMatchObject({ code: 'usage', message: /every snapshot of a group/ });
  expect(await left()).toEqual([1, 3, 4, 5]);
  await run({ named: others, force: true });
  expect(await left()).toEqual([]);
});

test('a snapshot that cannot be read stops it: what cannot be seen cannot be counted', async () => {
  const { ctx, repository, ids, run, left } = await week();
  await repository.backend.put(ctx, `snapshots/${ids[6]}`, Buffer.from('damaged'));
  await expect(run({ policy: { last: 1 } }, { prune: wholeLimits })).rejects.toMatchObject({
    code: 'repository-damaged',
  });
  expect(await left()).toHaveLength(7);
});

test('nothing is forgotten beside other work, nor in an append-only repository', async () => {
  const { ctx, repository, run, left } = await week();
  await withLock(ctx, repository, {
    exclusive: false,
    run: async () => {
      await expect(run({ policy: { last: 1 } })).rejects.toMatchObject({ code: 'repository-locked' });
      await run({ policy: { last: 1 } }, { dryRun: true });
    },
  });
  Object.assign(repository.config, { appendOnly: true });
  await expect(run({ policy: { last: 1 } })).rejects.toMatchObject({ code: 'backend-denied' });
  expect(await left()).toHaveLength(7);
});
