import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import type { RetentionPolicy } from '../snapshot/retentionPolicy.ts';
import { newRepository } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUpSource, type SourceBackup } from './fixture/sources.ts';
import { forget, type ForgetRun } from './forget.ts';

const dayMs = 86_400_000;

async function bench() {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx });
  const backUps = async (...backups: readonly SourceBackup[]): Promise<string[]> => {
    const ids: string[] = [];
    for (const backup of backups) {
      ids.push((await backUpSource(ctx, repository, backup)).id);
      clock.advance(dayMs);
    }
    return ids;
  };
  /** Positions of the snapshots that stay. */
  const left = async (ids: readonly string[], run: Partial<ForgetRun> & { policy?: RetentionPolicy }) => {
    const { policy = { last: 1 }, ...rest } = run;
    const { forgotten } = await forget(ctx, repository, { selection: { policy }, dryRun: true, ...rest });
    const kept = new Set(forgotten.keep.map(({ id }) => id));
    return ids.flatMap((id, at) => (kept.has(id) ? [at] : []));
  };
  return { ctx, repository, backUps, left };
}

test('each source counts for itself, wherever it was taken, and by its own policy where it has one', async () => {
  const { backUps, left } = await bench();
  const [app, logs] = [{ source: 'app' }, { source: 'logs', kind: 'logs' }];
  const ids = await backUps(app, logs, app, logs, app, logs);
  expect(await left(ids, {})).toEqual([4, 5]);
  const sourcePolicies = new Map([['logs', { last: 2 }]]);
  expect(await left(ids, { selection: { policy: { last: 1 }, sourcePolicies } })).toEqual([3, 4, 5]);
  expect(await left(ids, { selection: { policy: undefined, sourcePolicies } })).toEqual([0, 2, 3, 4, 5]);
});

test('the last good backup stays; one whose proof failed, that is incomplete or unreadable is none', async () => {
  const { backUps, left } = await bench();
  const ids = await backUps({}, {}, {}, { record: { outcome: 'incomplete' } }, { record: null }, {});
  expect(await left(ids, {})).toEqual([5]);
  const failedProofs = async () => new Set([ids[5]!]);
  expect(await left(ids, { failedProofs })).toEqual([2, 5]);
  const policy = { tags: [['none of them']] };
  expect(await left(ids, { failedProofs, selection: { policy, allowRemoveAll: true } })).toEqual([2]);
});

test('a flawed backup fills no slot: the good one of the same day is kept beside it', async () => {
  const { ctx, repository, backUps } = await bench();
  const ids = await backUps({}, {}, {}, {}, {});
  const failedProofs = async () => new Set([ids[3]!]);
  const { forgotten } = await forget(ctx, repository, {
    selection: { policy: { daily: 3, keepOldest: false } },
    failedProofs,
    dryRun: true,
  });
  const [group] = forgotten.groups;
  expect(group?.key).toEqual({ source: 'main', kind: 'files' });
  expect(group?.decisions.map(({ keep }) => keep)).toEqual([true, true, true, true, false]);
  expect(group?.decisions[0]?.reasons).toEqual(['daily snapshot', 'last good backup of the source']);
  expect(group?.decisions[1]?.flaw).toBe('its last proof failed');
  expect(group?.rules[0]?.slots.map(({ snapshotId }) => snapshotId)).toEqual([
    undefined,
    ids[4],
    undefined,
    ids[2],
    ids[1],
  ]);
});

test('a source without any good backup is held, but for what is named', async () => {
  const { ctx, repository, backUps, left } = await bench();
  const ids = await backUps({ record: null }, { record: null });
  expect(await left(ids, {})).toEqual([0, 1]);
  const { held } = await forget(ctx, repository, { selection: { named: [ids[0]!] } });
  expect(held).toMatchObject([{ source: 'main', cause: 'no-good-backup' }]);
  expect(await repository.listIds(ctx, 'snapshots')).toEqual([ids[1]]);
});

test('where every backup is incomplete, the newest of them is the last good one', async () => {
  const { backUps, left } = await bench();
  const incomplete = { record: { outcome: 'incomplete' } };
  const ids = await backUps(incomplete, incomplete, { record: null });
  expect(await left(ids, {})).toEqual([1, 2]);
});

test('an older flawed backup fills no slot either', async () => {
  const { backUps, left } = await bench();
  // Sunday to Sunday: two backups of last week, of which the newer one is incomplete, and one of this week
  const nothing = { source: 'other' };
  const ids = await backUps(
    nothing,
    {},
    { record: { outcome: 'incomplete' } },
    ...Array.from({ length: 5 }, () => nothing),
    {},
  );
  const policy = { weekly: 2, last: 1, keepOldest: false };
  const sourcePolicies = new Map([['other', { last: 1 }]]);
  expect(await left(ids, { selection: { policy, sourcePolicies } })).toEqual([1, 2, 7, 8]);
});
