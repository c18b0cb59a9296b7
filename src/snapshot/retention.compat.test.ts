import { afterAll, beforeAll, expect, vi } from 'vitest';
import { needs } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { formatCalendarDuration, parseCalendarDuration } from './calendarDuration.ts';
import { snapshotFixture } from './fixture/snapshotFixture.ts';
import type { Restic } from '../testing/restic.ts';
import { createStockRepository } from '../testing/stockRepository.ts';
import { planForget } from './forgetPlan.ts';
import { countedRules, spanRules, type RetentionPolicy } from './retentionPolicy.ts';
import { serializeSnapshotDocument } from './snapshotDocument.ts';
import type { Snapshot } from './snapshots.ts';
import { formatTimestamp } from './time.ts';

const groups = 200;
const snapshotsPerGroup = 12;
const policies = 24;
const hourMs = 3_600_000;

/** Numbers from a fixed seed (mulberry32), so that a difference can be looked at again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}

const random = randomNumbers(20261122);

function pick<T>(...choices: readonly T[]): T {
  return choices[random(choices.length)] as T;
}

/** A history: steps of hours to months back, around turns of years and months, some of it in the future. */
function randomHistory(hostname: string): Omit<Snapshot, 'id'>[] {
  const start = pick('2024-01-02', '2021-01-05', '2020-03-31', '2024-02-29', '2026-07-15', '2090-06-01');
  let moment = Date.parse(`${start}T${String(random(24)).padStart(2, '0')}:30:00Z`);
  const offsets = [0, pick(0, 60, -480), pick(0, 330, 765, -210)];
  return Array.from({ length: snapshotsPerGroup }, () => {
    moment -= pick(1, 1, 7, 12, 24, 24, 48, 24 * 7, 24 * 31, 24 * 200) * hourMs + random(hourMs / 4);
    const time = formatTimestamp({ ns: BigInt(moment) * 1_000_000n, offsetMinutes: pick(...offsets) });
    const tags = pick<readonly string[]>([], [], ['a'], ['b'], ['a', 'b']);
    const { id: _, ...document } = snapshotFixture({ time, hostname, tags });
    return document;
  });
}

function randomPolicy(): RetentionPolicy {
  const counts = countedRules.filter(() => random(3) === 0).map(({ name }) => [name, 1 + random(5)]);
  const spans = ['within' as const, ...spanRules.map(({ name }) => name)]
    .filter(() => random(6) === 0)
    .map((name) => [name, parseCalendarDuration(pick('12h', '3d', '1m', '2m5d', '1y', '1y1m1d1h'))]);
  const tags = random(4) === 0 ? [['tags', pick([['a']], [['a', 'b'], ['']], [['b']])]] : [];
  const chosen = [...counts, ...spans, ...tags];
  return { ...Object.fromEntries(chosen.length === 0 ? [['last', 1]] : chosen), protectedTags: [] };
}

function resticFlags(policy: RetentionPolicy): string[] {
  const counts = countedRules.flatMap(({ name }) =>
    policy[name] === undefined ? [] : [`--keep-${name}`, `${policy[name]}`],
  );
  const spans = ['within' as const, ...spanRules.map(({ name }) => name)].flatMap((name) => {
    const span = policy[name];
    return span === undefined
      ? []
      : [`--keep-${name.replace(/[A-Z]/, '-$&').toLowerCase()}`, formatCalendarDuration(span)];
  });
  return [...counts, ...spans, ...(policy.tags ?? []).flatMap((list) => ['--keep-tag', list.join(',')])];
}

interface StockGroup {
  readonly host: string;
  readonly keep: readonly { readonly id: string }[] | null;
  readonly remove: readonly { readonly id: string }[] | null;
  readonly reasons:
    readonly { readonly snapshot: { readonly tree: string }; readonly matches: readonly string[] }[] | null;
}

beforeAll(() => void vi.stubEnv('TZ', 'UTC'));
afterAll(() => void vi.unstubAllEnvs());

/** Since 0.16 every rule with room left keeps the oldest snapshot too. */
async function keepsOldest(restic: Restic): Promise<boolean> {
  const [, major, minor] = /restic (\d+)\.(\d+)/.exec(await restic.run('version')) ?? [];
  return Number(major) > 0 || Number(minor) >= 16;
}

needs('restic')(`forget decides as stock restic: ${groups} histories, ${policies} policies`, async () => {
  await using directory = await tempDir();
  const stock = createStockRepository(directory.path);
  const snapshots = Array.from({ length: groups }, (_, index) => randomHistory(`host${index}`))
    .flat()
    .map((document) => ({ ...document, id: stock.putSnapshot(serializeSnapshotDocument(document)) }));
  const keepOldest = await keepsOldest(stock.restic);
  let removed = 0;
  for (let round = 0; round < policies; round++) {
    const policy = { ...randomPolicy(), keepOldest };
    const flags = resticFlags(policy);
    const theirs = await stock.restic.json<StockGroup[]>('forget', '--dry-run', ...flags);
    const ours = planForget(snapshots, { policy, now: new Date(), allowRemoveAll: true });
    expect(theirs).toHaveLength(groups);
    for (const group of ours.groups) {
      const stockGroup = theirs.find(({ host }) => host === group.key.hostname);
      const where = `${group.key.hostname} ${flags.join(' ')}`;
      const kept = group.decisions.filter(({ keep }) => keep);
      const gone = group.decisions.filter(({ keep }) => !keep);
      expect(
        kept.map(({ snapshot }) => snapshot.id),
        where,
      ).toEqual((stockGroup?.keep ?? []).map(({ id }) => id));
      expect(
        gone.map(({ snapshot }) => snapshot.id),
        where,
      ).toEqual((stockGroup?.remove ?? []).map(({ id }) => id));
      expect(
        kept.map(({ reasons }) => reasons),
        where,
      ).toEqual((stockGroup?.reasons ?? []).map(({ matches }) => matches));
      removed += gone.length;
    }
  }
  expect(removed).toBeGreaterThan(1000);
  expect(removed).toBeLessThan(groups * snapshotsPerGroup * policies - 1000);
});
