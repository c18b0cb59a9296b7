import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FaultBackend } from '../backend/fault.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { toLsn, type Lsn } from '../postgres/lsn.ts';
import {
  ancestryContains,
  timelineAncestry,
  toTimelineId,
  type TimelineAncestry,
  type TimelineId,
} from '../postgres/timeline.ts';
import { segmentNamesAlong } from '../postgres/walSegment.ts';
import { listings } from './fixture/model.ts';
import { madeSegment, smallSegmentBytes, testCluster, testRepository } from './fixture/segments.ts';
import { WalArchive } from './walArchive.ts';
import { applyWalExpiry, planWalExpiry, type KeptBackup, type WalRetention } from './walExpiry.ts';
import { availabilityIn } from './walAvailability.ts';
import { findGaps } from './walGaps.ts';
import { listArchive, type WalListing } from './walListing.ts';
import { walFileNameText } from './walObjectName.ts';

const ctx = createContext();
const size = BigInt(smallSegmentBytes);
const end = toLsn(20n * size);

const dayMs = 86_400_000;

/** The day on which a position was written, so that positions and times agree. */
function timeOf(lsn: bigint): Date {
  return new Date((Number(lsn) / smallSegmentBytes) * dayMs);
}

const eighth = size / 8n;
const backups = fc.array(
  fc
    .record({
      timeline: fc.integer({ min: 1, max: 4 }).map(toTimelineId),
      start: fc.integer({ min: 0, max: 90 }).map(BigInt),
      length: fc.option(fc.integer({ min: 0, max: 12 }).map(BigInt), { nil: undefined }),
      flawed: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
    })
    .map(({ timeline, start, length, flawed }): KeptBackup => {
      const lsn = length === undefined ? undefined : toLsn((start + length) * eighth);
      const finished = lsn === undefined ? undefined : { lsn, time: timeOf(lsn) };
      return { timeline, startLsn: toLsn(start * eighth), end: finished, flawed };
    }),
  { minLength: 1, maxLength: 4 },
);

const windows = fc.record({
  retention: fc
    .option(fc.nat(12), { nil: undefined })
    .map((day): WalRetention => (day === undefined ? { keep: 'all' } : { keep: 'since', time: new Date(day * dayMs) })),
  endedTimelines: fc.array(fc.integer({ min: 1, max: 4 }).map(toTimelineId)).map((ended) => new Set(ended)),
});

/** Names on the way from a backup to any point of any timeline that descends from its start, or from its end. */
function namesNeeded(listing: WalListing, kept: readonly KeptBackup[], by: 'start' | 'end'): Set<string> {
  const needed = new Set<string>();
  for (const ancestry of listing.ancestries.values()) {
    for (const { timeline, startLsn, end: finished } of kept) {
      if (!ancestryContains(ancestry, timeline, by === 'end' ? (finished?.lsn ?? startLsn) : startLsn)) continue;
      for (const name of segmentNamesAlong(ancestry, { begin: startLsn, end }, smallSegmentBytes)) needed.add(name);
    }
  }
  return needed;
}

/** Without those that start before their timeline does, which cannot be. */
function possible(listing: WalListing, made: readonly KeptBackup[]): readonly KeptBackup[] {
  const began = (timeline: TimelineId) => listing.ancestries.get(timeline)?.at(-1)?.begin ?? 0n;
  return made.filter(({ timeline, startLsn }) => startLsn >= began(timeline));
}

test('nothing that a kept backup may need is removed, and nothing else that is older is kept', () => {
  fc.assert(
    fc.property(listings, backups, (listing, made) => {
      const kept = possible(listing, made);
      fc.pre(kept.length > 0);
      const plan = planWalExpiry(listing, { backups: kept, retention: { keep: 'all' } });
      const needed = namesNeeded(listing, kept, 'end');
      const useful = namesNeeded(listing, kept, 'start');
      const removed = new Set(plan.remove.map(({ file }) => walFileNameText(file)));
      const newest = listing.timelines.at(-1)?.timeline;
      for (const { file } of listing.objects) {
        if (file.kind === 'history') {
          expect(removed.has(walFileNameText(file))).toBe(false);
          continue;
        }
        const name = file.segment;
        if (needed.has(name)) expect(removed.has(walFileNameText(file)), name).toBe(false);
        const laterNeeded = [...needed, ...useful].some(
          (other) => other.slice(0, 8) === name.slice(0, 8) && other <= name,
        );
        const ofNewest = Number.parseInt(name.slice(0, 8), 16) === newest;
        if (!laterNeeded && !ofNewest) expect(removed.has(walFileNameText(file)), name).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

test('removing in the order of the plan makes no new gap at any moment', () => {
  fc.assert(
    fc.property(listings, backups, windows, (listing, kept, window) => {
      fc.pre(findGaps(listing).length === 0);
      const plan = planWalExpiry(listing, { backups: kept, ...window });
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

test('a point of the window that a kept backup reached is reached afterwards; without a window by the same one', async () => {
  let reached = 0;
  await fc.assert(
    fc.asyncProperty(listings, backups, windows, async (listing, kept, { retention, endedTimelines }) => {
      const since = retention.keep === 'since' ? retention.time : undefined;
      const plan = planWalExpiry(listing, { backups: kept, retention, endedTimelines });
      const after = without(listing, new Set(plan.remove.map(({ file }) => file)));
      const good = kept.filter(({ flawed, end: finished }) => !flawed && finished !== undefined);
      for (const [target, ancestry] of listing.ancestries) {
        if (since !== undefined && endedTimelines.has(target)) continue;
        const usable = good.filter((backup) => ancestryContains(ancestry, backup.timeline, backup.end!.lsn));
        const before = await reaches(listing, ancestry, usable);
        const later = await reaches(after, ancestry, usable);
        const farthest = before.reduce((one, other) => (other > one ? other : one), toLsn(0n));
        if (since === undefined) expect(later).toEqual(before);
        else if (timeOf(farthest) >= since && usable.length > 0) {
          for (let lsn = 0n; lsn <= farthest; lsn += eighth) {
            if (timeOf(lsn) < since || !covers(usable, before, lsn)) continue;
            expect(covers(usable, later, lsn)).toBe(true);
            reached++;
          }
        }
      }
    }),
    { numRuns: 1000 },
  );
  expect(reached).toBeGreaterThan(500);
});

/** How far recovery gets from each backup, as a plan of recovery finds it. */
function reaches(listing: WalListing, ancestry: TimelineAncestry, usable: readonly KeptBackup[]): Promise<Lsn[]> {
  const wholePartial = async (_: TimelineId, number: bigint) => toLsn((number + 1n) * size);
  return Promise.all(
    usable.map(async ({ end: finished }) => {
      const wanted = { ancestry, fromLsn: finished!.lsn };
      return (await availabilityIn(listing, wanted, wholePartial)).until;
    }),
  );
}

function covers(usable: readonly KeptBackup[], until: readonly Lsn[], lsn: bigint): boolean {
  return usable.some(({ end: finished }, index) => finished!.lsn <= lsn && lsn <= until[index]!);
}

const dayOf = (number: number) => new Date(Date.UTC(2026, 0, number));

function madeBackup(segment: bigint, ended: number, flawed = false): KeptBackup {
  const finished = { lsn: toLsn(segment * size + 80n), time: dayOf(ended) };
  return { timeline: toTimelineId(1), startLsn: toLsn(segment * size + 40n), end: finished, flawed };
}

function straightListing(): WalListing {
  const segments = Array.from({ length: 10 }, (_, index) => BigInt(index + 1));
  return {
    segmentBytes: smallSegmentBytes,
    timelines: [{ timeline: toTimelineId(1), segments, partials: [] }],
    ancestries: new Map([[toTimelineId(1), timelineAncestry(toTimelineId(1), [])]]),
    objects: segments.map((number) => ({
      file: { kind: 'segment', segment: madeSegment({ number }).name },
      sizeBytes: 10,
    })),
  };
}

test('a window keeps the newest good backup before it and what follows', () => {
  const listing = straightListing();
  const kept = [madeBackup(2n, 1), madeBackup(5n, 10), madeBackup(8n, 20)];
  const removedBy = (time: Date, of = kept) =>
    planWalExpiry(listing, { backups: of, retention: { keep: 'since', time } });
  expect(removedBy(dayOf(15))).toMatchObject({
    remove: { length: 4 },
    ranges: [{ first: '000000010000000000000001', last: '000000010000000000000004', segments: 4n }],
  });
  expect(removedBy(dayOf(25))).toMatchObject({ removeBytes: 70, keepBytes: 30 });
  expect(removedBy(dayOf(5)).remove.length).toBe(1);
  expect(removedBy(dayOf(25), [kept[0]!, kept[1]!, madeBackup(8n, 20, true)]).remove.length).toBe(4);
  expect(removedBy(dayOf(25), [madeBackup(2n, 1, true), madeBackup(8n, 20, true)]).remove.length).toBe(1);
  expect(planWalExpiry(listing, { backups: [], retention: { keep: 'all' } }).remove).toEqual([]);
});

test('what another timeline needs of a shared past stays, and of an unknown past everything', () => {
  const [one, two] = [toTimelineId(1), toTimelineId(2)];
  const listing = straightListing();
  const branched = timelineAncestry(two, [{ parent: one, switchPoint: toLsn(4n * size), reason: '' }]);
  const timelines = [...listing.timelines, { timeline: two, segments: [4n, 5n], partials: [] }];
  const kept = [madeBackup(2n, 1), madeBackup(6n, 10)];
  const retention: WalRetention = { keep: 'since', time: dayOf(20) };
  const removed = (ancestries: WalListing['ancestries']) =>
    planWalExpiry({ ...listing, timelines, ancestries }, { backups: kept, retention }).remove.length;
  expect(removed(new Map([...listing.ancestries, [two, branched]]))).toBe(1);
  expect(removed(listing.ancestries)).toBe(1);
  expect(planWalExpiry(listing, { backups: kept, retention }).remove).toHaveLength(5);
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
    const kept = [{ timeline: toTimelineId(1), startLsn: toLsn(5n * size), end: undefined, flawed: false }];
    const planNow = async () =>
      planWalExpiry(await listArchive(ctx, archive), { backups: kept, retention: { keep: 'all' } });
    const fault = new FaultBackend(backend, { crash: { afterMutations } });
    const dying = new WalArchive({ ...archive.codec, backend: fault });
    await expect(applyWalExpiry(ctx, dying, { plan: await planNow() })).rejects.toThrow('dead');
    expect(findGaps(await listArchive(ctx, archive))).toEqual([]);
    await applyWalExpiry(ctx, archive, { plan: await planNow() });
    expect((await listArchive(ctx, archive)).timelines[0]?.segments).toEqual([5n, 6n]);
  }
});
