import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { toLsn } from '../postgres/lsn.ts';
import { ancestryContains, toTimelineId } from '../postgres/timeline.ts';
import { segmentNamesAlong } from '../postgres/walSegment.ts';
import { listings } from './fixture/model.ts';
import { madeSegment, smallSegmentBytes, testCluster, testRepository } from './fixture/segments.ts';
import { WalArchive } from './walArchive.ts';
import { applyWalExpiry, planWalExpiry, type KeptBackup } from './walExpiry.ts';
import { findGaps } from './walGaps.ts';
import { listArchive, type WalListing } from './walListing.ts';
import { walFileNameText } from './walObjectName.ts';

const ctx = createContext();
const size = BigInt(smallSegmentBytes);
const end = toLsn(20n * size);

const backups = fc.array(
  fc.record({
    timeline: fc.integer({ min: 1, max: 4 }).map(toTimelineId),
    startLsn: fc.integer({ min: 0, max: 90 }).map((eighth) => toLsn((BigInt(eighth) * size) / 8n)),
    endedAt: fc.option(
      fc.integer({ min: 0, max: 5 }).map((day) => new Date(day * 86_400_000)),
      { nil: undefined },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Names on the way from a backup to any point of any timeline that descends from it. */
function namesNeeded(listing: WalListing, kept: readonly KeptBackup[]): Set<string> {
  const needed = new Set<string>();
  for (const ancestry of listing.ancestries.values()) {
    for (const { timeline, startLsn } of kept) {
      if (!ancestryContains(ancestry, timeline, startLsn)) continue;
      for (const name of segmentNamesAlong(ancestry, { begin: startLsn, end }, smallSegmentBytes)) needed.add(name);
    }
  }
  return needed;
}

test('nothing that a kept backup may need is removed, and nothing else that is older is kept', () => {
  fc.assert(
    fc.property(listings, backups, (listing, kept) => {
      const plan = planWalExpiry(listing, { backups: kept, retention: { keep: 'all' } });
      const needed = namesNeeded(listing, kept);
      const removed = new Set(plan.remove.map(({ file }) => walFileNameText(file)));
      const newest = listing.timelines.at(-1)?.timeline;
      for (const { file } of listing.objects) {
        if (file.kind === 'history') {
          expect(removed.has(walFileNameText(file))).toBe(false);
          continue;
        }
        const name = file.segment;
        if (needed.has(name)) expect(removed.has(walFileNameText(file)), name).toBe(false);
        const laterNeeded = [...needed].some((other) => other.slice(0, 8) === name.slice(0, 8) && other <= name);
        const ofNewest = Number.parseInt(name.slice(0, 8), 16) === newest;
        if (!laterNeeded && !ofNewest) expect(removed.has(walFileNameText(file)), name).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

test('removing in the order of the plan makes no new gap at any moment', () => {
  fc.assert(
    fc.property(listings, backups, (listing, kept) => {
      const before = new Set(findGaps(listing).flatMap(({ first, segments }) => [`${first}+${segments}`]));
      const plan = planWalExpiry(listing, { backups: kept, retention: { keep: 'all' } });
      fc.pre(before.size === 0);
      for (let count = 1; count <= plan.remove.length; count++) {
        const gone = new Set(plan.remove.slice(0, count).map(({ file }) => file));
        expect(findGaps(without(listing, gone))).toEqual([]);
      }
    }),
    { numRuns: 1000 },
  );
});

function without(listing: WalListing, gone: ReadonlySet<unknown>): WalListing {
  const objects = listing.objects.filter(({ file }) => !gone.has(file));
  const left = new Set(objects.map(({ file }) => walFileNameText(file)));
  const timelines = listing.timelines
    .map(({ timeline, segments, partials }) => {
      const stays = (suffix: string) => (number: bigint) => left.has(`${madeSegmentName(timeline, number)}${suffix}`);
      return { timeline, segments: segments.filter(stays('')), partials: partials.filter(stays('.partial')) };
    })
    .filter(({ segments, partials }) => segments.length + partials.length > 0);
  return { ...listing, objects, timelines };
}

function madeSegmentName(timeline: number, number: bigint): string {
  const digits = [BigInt(timeline), number / 4096n, number % 4096n];
  return digits.map((value) => value.toString(16).toUpperCase().padStart(8, '0')).join('');
}

test('a window keeps the newest backup before it and what follows', () => {
  const day = (number: number) => new Date(Date.UTC(2026, 0, number));
  const timeline = toTimelineId(1);
  const backup = (segment: bigint, ended: number) => ({
    timeline,
    startLsn: toLsn(segment * size + 40n),
    endedAt: day(ended),
  });
  const segments = Array.from({ length: 10 }, (_, index) => BigInt(index + 1));
  const listing: WalListing = {
    segmentBytes: smallSegmentBytes,
    timelines: [{ timeline, segments, partials: [] }],
    ancestries: new Map(),
    objects: segments.map((number) => ({
      file: { kind: 'segment', segment: madeSegment({ number }).name },
      sizeBytes: 10,
    })),
  };
  const kept = [backup(2n, 1), backup(5n, 10), backup(8n, 20)];
  const removedBy = (time: Date) => planWalExpiry(listing, { backups: kept, retention: { keep: 'since', time } });
  expect(removedBy(day(15)).remove.length).toBe(4);
  expect(removedBy(day(25))).toMatchObject({ removeBytes: 70, keepBytes: 30 });
  expect(removedBy(day(5)).remove.length).toBe(1);
  expect(planWalExpiry(listing, { backups: [], retention: { keep: 'all' } }).remove).toEqual([]);
});

test('an expiry that dies at any delete leaves an archive without a hole, and goes on next time', async () => {
  for (let afterMutations = 0; afterMutations < 4; afterMutations++) {
    const backend = openMemoryBackend();
    const repository = await testRepository(backend);
    const archive = WalArchive.of(repository, testCluster);
    for (const number of [1n, 2n, 3n, 4n, 5n, 6n]) {
      const { name, content } = madeSegment({ number });
      await archive.put(ctx, { kind: 'segment', segment: name }, content);
    }
    const kept = [{ timeline: toTimelineId(1), startLsn: toLsn(5n * size), endedAt: undefined }];
    const planNow = async () =>
      planWalExpiry(await listArchive(ctx, archive), { backups: kept, retention: { keep: 'all' } });
    const fault = new FaultBackend(backend, { crash: { afterMutations } });
    const dying = new WalArchive({ ...archive.codec, backend: fault });
    await expect(applyWalExpiry(ctx, dying, await planNow())).rejects.toThrow('dead');
    expect(findGaps(await listArchive(ctx, archive))).toEqual([]);
    await applyWalExpiry(ctx, archive, await planNow());
    expect((await listArchive(ctx, archive)).timelines[0]?.segments).toEqual([5n, 6n]);
  }
});
