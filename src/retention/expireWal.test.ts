import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toLsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import type { Repository } from '../repository/repository.ts';
import { newRepository, objectNames } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { renewLease } from '../wal/walLease.ts';
import { archiveSegments, backUpCluster, backUpSource, cluster, segmentBytes } from './fixture/sources.ts';
import { forget } from './forget.ts';
import { prune } from './prune.ts';

const dayMs = 86_400_000;
const all = { repack: {}, wal: { windowMs: undefined } };
const other = '7000000000000000001';

/** Base backups in segments 2, 5 and 8, ten days apart; WAL from 1 to 9. Now is the day after the last. */
async function bench() {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx });
  const ids: string[] = [];
  for (const segment of [2n, 5n, 8n]) {
    await archiveSegments(ctx, repository, { from: segment - 1n, to: segment + 1n });
    ids.push((await backUpCluster(ctx, repository, { segment })).id);
    clock.advance((segment === 8n ? 1 : 10) * dayMs);
  }
  const segments = async (of = cluster): Promise<number[]> =>
    (await objectNames(repository.backend, `wal/${of}/`)).map((name) => Number(`0x${name.slice(-4)}`));
  return { ctx, clock, repository, ids, segments };
}

test('without a window WAL is kept from the oldest backup on; a dry run tells the same and removes nothing', async () => {
  const { ctx, repository, ids, segments } = await bench();
  const selection = { named: [ids[0]!] };
  const told = await forget(ctx, repository, { selection, prune: all, dryRun: true });
  expect(await segments()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const { pruned } = await forget(ctx, repository, { selection, prune: all });
  expect(pruned?.wal).toEqual(told.pruned?.wal);
  expect(pruned?.wal).toMatchObject([
    {
      sources: ['main'],
      plan: { remove: { length: 4 }, ranges: [{ first: '000000010000000000000001', segments: 4n }] },
    },
  ]);
  expect(await segments()).toEqual([5, 6, 7, 8, 9]);
});

test('a window keeps the WAL since the newest good backup before it', async () => {
  const { ctx, repository, ids, segments } = await bench();
  const run = { repack: {}, wal: { windowMs: 9 * dayMs, sourceWindowsMs: new Map([['elsewhere', 1]]) } };
  await prune(ctx, repository, { ...run, failedProofs: async () => new Set([ids[1]!]) });
  expect(await segments()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  await prune(ctx, repository, { ...run, wal: { windowMs: dayMs, sourceWindowsMs: new Map([['main', 9 * dayMs]]) } });
  expect(await segments()).toEqual([5, 6, 7, 8, 9]);
  await prune(ctx, repository, { ...run, wal: { windowMs: 0 } });
  expect(await segments()).toEqual([8, 9]);
  expect(await repository.listIds(ctx, 'snapshots')).toHaveLength(3);
});

test('WAL of a cluster without a base backup stays, whatever the window', async () => {
  const { ctx, repository, ids, segments } = await bench();
  await archiveSegments(ctx, repository, { from: 1n, to: 3n, of: other });
  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal.map(({ keptBecause }) => keptBecause)).toEqual(['there is no base backup of this cluster', undefined]);
  expect(await segments(other)).toEqual([1, 2, 3]);
  await forget(ctx, repository, { selection: { named: ids, force: true }, prune: all });
  expect(await segments()).toEqual([8, 9]);
});

test('one base backup that cannot be read, or a held source, keeps all WAL', async () => {
  const { ctx, clock, repository, segments } = await bench();
  const damaged = await backUpSource(ctx, repository, { kind: 'postgres', record: null });
  clock.advance(dayMs);
  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal[0]?.keptBecause).toMatch(new RegExp(`^snapshot ${damaged.id.slice(0, 8)}: `));
  expect(await segments()).toHaveLength(9);
  await repository.removeDocument(ctx, 'snapshots', damaged.id);
  await backUpCluster(ctx, repository, { segment: 9n, record: { sizeBytes: 0 } });
  const { wal: held } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(held[0]).toMatchObject({ plan: undefined, keptBecause: expect.stringMatching(/^retention is held: backup/) });
  expect(await segments()).toHaveLength(9);
});

test('a clock that is far ahead takes no WAL of the window: it ends with what is there', async () => {
  const { ctx, clock, repository, segments } = await bench();
  clock.advance(365 * dayMs);
  await prune(ctx, repository, { repack: {}, wal: { windowMs: 9 * dayMs } });
  expect(await segments()).toEqual([5, 6, 7, 8, 9]);
});

/** Changes what a stock client can change of a snapshot: it gets another id. */
async function retag(repository: Repository, id: string, tags: readonly string[]): Promise<void> {
  const json = JSON.parse((await repository.loadDocument(createContext(), 'snapshots', id)).toString()) as object;
  await repository.saveDocument(createContext(), 'snapshots', Buffer.from(JSON.stringify({ ...json, tags })));
  await repository.removeDocument(createContext(), 'snapshots', id);
}

test('a base backup whose tags a stock client took away still keeps its WAL', async () => {
  const { ctx, repository, ids, segments } = await bench();
  await retag(repository, ids[0]!, []);
  await prune(ctx, repository, all);
  expect(await segments()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});

test('one without tags whose record cannot be read keeps all WAL; one that never had a record is none of ours', async () => {
  const { ctx, repository, ids, segments } = await bench();
  await backUp(ctx, repository, { files: { notes: Buffer.from('ours is not the only client') } });
  const newer = await backUpCluster(ctx, repository, { segment: 1n, record: { format: 2 } });
  await retag(repository, newer.id, []);
  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal).toMatchObject([{ plan: undefined, undecided: true }]);
  expect(await segments()).toHaveLength(9);
  const others = (await repository.listIds(ctx, 'snapshots')).filter((id) => !ids.includes(id));
  for (const id of others) await repository.removeDocument(ctx, 'snapshots', id);
  await backUp(ctx, repository, { files: { notes: Buffer.from('ours is not the only client') } });
  await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(await segments()).toEqual([8, 9]);
});

test('a hold keeps the WAL of backups that a stock client gave to another source, too', async () => {
  const { ctx, repository, ids, segments } = await bench();
  for (const id of ids) await retag(repository, id, ['understudy', 'kind:postgres', 'source:renamed']);
  await backUpCluster(ctx, repository, { segment: 9n, source: 'renamed', record: { source: 'main', sizeBytes: 0 } });
  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal).toMatchObject([{ keptBecause: expect.stringMatching(/^retention is held/) }]);
  expect(await segments()).toHaveLength(9);
});

test('WAL that arrives while it expires stays', async () => {
  const { ctx, repository, segments } = await bench();
  const { backend } = repository;
  const remove = backend.delete.bind(backend);
  let arrived = false;
  backend.delete = async (at, name) => {
    if (name.startsWith('wal/') && !arrived) {
      arrived = true;
      await archiveSegments(ctx, repository, { from: 10n, to: 11n });
      await archiveSegments(ctx, repository, { from: 1n, to: 1n }); // pushed once more
    }
    await remove(at, name);
  };
  await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(arrived).toBe(true);
  expect(await segments()).toEqual([8, 9, 10, 11]);
});

test('WAL that a recovery has a lease on stays until the lease is over, whatever the window', async () => {
  const { ctx, clock, repository, segments } = await bench();
  const archive = WalArchive.of(repository, parseSystemIdentifier(cluster));
  const startLsn = toLsn(3n * BigInt(segmentBytes) + 40n);
  const lease = { id: 'one', timeline: toTimelineId(1), startLsn, destination: '/srv/pg' };
  await renewLease(ctx, archive, lease);
  const narrow = { repack: {}, wal: { windowMs: 0 } };
  const told = await prune(ctx, repository, { ...narrow, dryRun: true });
  expect(told.wal).toMatchObject([{ leases: [lease], overdueLeases: [], plan: { remove: { length: 2 } } }]);
  await prune(ctx, repository, narrow);
  expect(await segments()).toEqual([3, 4, 5, 6, 7, 8, 9]);
  clock.advance(100 * dayMs); // nothing of the cluster shows that so much time has passed
  await prune(ctx, repository, narrow);
  expect(await segments()).toEqual([3, 4, 5, 6, 7, 8, 9]);
  await archiveSegments(ctx, repository, { from: 10n, to: 10n });
  await prune(ctx, repository, narrow);
  expect(await segments()).toEqual([8, 9, 10]);
  expect(await objectNames(repository.backend, 'understudy/wal-leases/')).toEqual([]);
});

test('all WAL is kept as long as a lease cannot be read, and it is told which', async () => {
  const { ctx, repository, segments } = await bench();
  const name = `understudy/wal-leases/${cluster}/torn`;
  await repository.backend.put(ctx, name, Buffer.from('torn'));
  const { wal } = await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(wal).toMatchObject([{ undecided: true, keptBecause: expect.stringContaining(name) }]);
  expect(await segments()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await repository.backend.delete(ctx, name);
  await prune(ctx, repository, { repack: {}, wal: { windowMs: 0 } });
  expect(await segments()).toEqual([8, 9]);
});
