import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext, type Context } from '../base/context.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { timelineAncestry, toTimelineId } from '../postgres/timeline.ts';
import { checkRepository } from '../repository/check.ts';
import { Repository } from '../repository/repository.ts';
import { loadPhysicalRecord } from '../backup/loadPhysicalRecord.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { loadSnapshots } from '../snapshot/snapshots.ts';
import { newRepository, objectNames, password } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { restoreAll } from '../testing/testSnapshots.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { walAvailability } from '../wal/walAvailability.ts';
import { archiveSegments, backUpCluster, cluster, segmentBytes } from './fixture/sources.ts';
import { forget } from './forget.ts';

const dayMs = 86_400_000;
/** Longer than anybody takes a lock for held. */
const lockLifeMs = 31 * 60_000;
const lastSegment = 9n;

/** Five base backups, of which the policy keeps two, and a critical one; WAL of all of it. */
async function prepare(backend: Backend): Promise<void> {
  const clock = new SimulatedClock();
  const ctx = createContext({ clock });
  const repository = await newRepository({ ctx, backend });
  await archiveSegments(ctx, repository, { from: 1n, to: lastSegment - 1n });
  for (const segment of [2n, 3n, 5n, 6n, 8n]) {
    const files = { own: randomBytes(20_000), shared: Buffer.alloc(20_000, 'shared') };
    await backUpCluster(ctx, repository, { segment, files, tags: segment === 3n ? ['critical'] : [] });
    clock.advance(dayMs);
  }
  await archiveSegments(ctx, repository, { from: lastSegment, to: lastSegment });
}

async function copyOf(prepared: Backend): Promise<Backend> {
  const ctx = createContext();
  const copy = openMemoryBackend();
  for (const name of await objectNames(prepared)) await copy.put(ctx, name, await prepared.get(ctx, name));
  return copy;
}

async function runForget(ctx: Context, backend: Backend): Promise<void> {
  const repository = await Repository.open(ctx, backend, { password });
  const wal = { windowMs: 0.5 * dayMs };
  await forget(ctx, repository, {
    selection: { policy: { daily: 2, keepOldest: false } },
    prune: { repack: { maxUnused: { kind: 'percent', percent: 0 } }, wal },
  });
}

/** Whatever happened: all is sound, what must be kept is there, and every point of the window is reached. */
async function requireSound(backend: Backend, what: string): Promise<bigint[]> {
  const ctx = createContext();
  const repository = await Repository.open(ctx, backend, { password });
  const report = await checkRepository(ctx, repository, { references: snapshotReferences, data: { kind: 'all' } });
  expect(report.errors, what).toEqual([]);
  await restoreAll(repository);
  const archive = WalArchive.of(repository, parseSystemIdentifier(cluster));
  const ancestry = timelineAncestry(toTimelineId(1), []);
  const present: bigint[] = [];
  const end = (lastSegment + 1n) * BigInt(segmentBytes);
  for (const snapshot of await loadSnapshots(ctx, snapshotSource(repository))) {
    const record = await loadPhysicalRecord(ctx, repository, snapshot);
    const fromLsn = parseLsn(record.stopLsn);
    const segment = fromLsn / BigInt(segmentBytes);
    present.push(segment);
    const { until, missing } = await walAvailability(ctx, archive, { ancestry, fromLsn });
    if (segment < 8n) continue; // older than the window: restored by the WAL that they carry
    expect(missing, what).toEqual([]);
    expect(until, what).toBe(end);
  }
  expect(present, what).toEqual(expect.arrayContaining([8n, 6n, 3n]));
  return present;
}

async function countMutations(prepared: Backend): Promise<number> {
  const counting = new FaultBackend(await copyOf(prepared));
  await runForget(contextAt(5), counting);
  return counting.mutations;
}

function contextAt(days: number): Context & { readonly clock: SimulatedClock } {
  const clock = new SimulatedClock();
  clock.advance(days * dayMs);
  return { ...createContext({ clock }), clock };
}

test('a process that dies before any operation of forget, prune and expiry leaves all sound; the next run ends it', async () => {
  const prepared = openMemoryBackend();
  await prepare(prepared);
  const mutations = await countMutations(prepared);
  expect(mutations).toBeGreaterThan(15);
  for (const seed of [undefined, 1]) {
    for (let afterMutations = 0; afterMutations < mutations; afterMutations += seed === undefined ? 1 : 3) {
      const what = `dead after ${afterMutations} of ${mutations}, seed ${seed}`;
      const backend = await copyOf(prepared);
      const dying = new FaultBackend(backend, {
        crash: { afterMutations, ...(seed === undefined ? {} : { seed }) },
      });
      const ctx = contextAt(5);
      await expect(runForget(ctx, dying), what).rejects.toThrow();
      expect(dying.unusedFaults(), what).toEqual([]);
      const present = await requireSound(backend, what);
      const segments = await objectNames(backend, 'wal/');
      if (present.length > 3) expect(segments, what).toHaveLength(Number(lastSegment)); // WAL goes last
      ctx.clock.advance(lockLifeMs);
      await runForget(ctx, backend);
      expect(await requireSound(backend, `${what}, next run`)).toHaveLength(3);
      expect((await objectNames(backend, 'wal/')).map((name) => name.slice(-1))).toEqual(['8', '9']);
      expect(await objectNames(backend, 'locks/'), what).toEqual([]);
    }
  }
});
