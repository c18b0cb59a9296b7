import { beforeEach, describe, expect, test } from 'vitest';
import { FaultBackend } from '../../backend/fault.ts';
import { openMemoryBackend } from '../../backend/memory.ts';
import { createContext } from '../../base/context.ts';
import type { Backend } from '../../backend/backend.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import { parseWalFileName } from '../../postgres/walFileName.ts';
import type { WalSegmentName } from '../../postgres/walSegment.ts';
import { madeSegment, smallSegmentBytes, testCluster, testRepository, type SegmentShape } from '../fixture/segments.ts';
import { WalArchive } from '../walArchive.ts';
import { walObjectName } from '../walObjectName.ts';
import { fetchWal } from './fetchWal.ts';
import { RecoveryView, type RecoveryHistory } from './recoveryView.ts';

const ctx = createContext();
let backend: Backend;
let archive: WalArchive;

beforeEach(async () => {
  backend = openMemoryBackend();
  archive = WalArchive.of(await testRepository(backend), testCluster);
});

async function store(shape: SegmentShape, partialBytes?: number): Promise<WalSegmentName> {
  const { name, content } = madeSegment(shape);
  if (partialBytes === undefined) await archive.put(ctx, { kind: 'segment', segment: name }, content);
  else await archive.put(ctx, { kind: 'partial', segment: name }, content.subarray(0, partialBytes));
  return name;
}

/** Timeline `child` leaves `parent` at segment `number` plus `bytes`. */
async function storeHistory(child: number, parent: number, at: { number: bigint; bytes: number }): Promise<void> {
  const lsn = at.number * BigInt(smallSegmentBytes) + BigInt(at.bytes);
  const text = `${parent}\t${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}\tno reason\n`;
  await archive.put(ctx, { kind: 'history', timeline: toTimelineId(child) }, Buffer.from(text));
}

function fetch(name: string, history: RecoveryHistory = {}, from: Backend = backend): Promise<Buffer> {
  const reading = new WalArchive({ ...archive.codec, backend: from });
  return fetchWal(ctx, new RecoveryView(reading, history), { archive: reading, file: parseWalFileName(name)! });
}

const named = (number: bigint, timeline = 1): WalSegmentName => madeSegment({ number, timeline }).name;
const missing = { code: 'wal-missing' };
const doubt = { code: 'wal-unavailable' };

describe('absence', () => {
  test('is proved behind the end, and for files that never were', async () => {
    await store({ number: 5n });
    await expect(fetch(named(6n))).rejects.toMatchObject(missing);
    await expect(fetch(named(6n, 2))).rejects.toMatchObject(missing);
    await expect(fetch('00000002.history')).rejects.toMatchObject(missing);
    await expect(fetch(`${named(5n)}.00000028.backup`)).rejects.toMatchObject(missing);
  });

  test('is proved in an archive that holds nothing', async () => {
    await expect(fetch(named(6n))).rejects.toMatchObject(missing);
  });

  test('before later WAL is a gap, on the same timeline and on those that descend', async () => {
    await store({ number: 5n });
    await store({ number: 7n });
    await expect(fetch(named(6n))).rejects.toMatchObject(doubt);
    await expect(fetch(named(4n))).rejects.toMatchObject(doubt);
    await storeHistory(2, 1, { number: 10n, bytes: 50_000 });
    await store({ number: 10n, timeline: 2 });
    await expect(fetch(named(8n))).rejects.toMatchObject(doubt);
    await expect(fetch(named(8n), { timeline: toTimelineId(2) })).rejects.toMatchObject(doubt);
    await expect(fetch(named(8n), { timeline: toTimelineId(1) })).rejects.toMatchObject(missing);
    await expect(fetch(named(11n, 2))).rejects.toMatchObject(missing);
    await expect(fetch(named(9n, 2)), 'before the timeline begins').rejects.toMatchObject(missing);
  });

  test('of the segment with the switch is that of the old copy only, when the new one is there', async () => {
    await storeHistory(2, 1, { number: 7n, bytes: 50_000 });
    await store({ number: 6n });
    await store({ number: 7n, timeline: 2 });
    await expect(fetch(named(7n))).rejects.toMatchObject(missing);
  });

  test('of a history file is in doubt when later ones or its WAL are there', async () => {
    await store({ number: 5n });
    await storeHistory(3, 1, { number: 7n, bytes: 50_000 });
    await expect(fetch('00000002.history')).rejects.toMatchObject(doubt);
    await expect(fetch('00000002.history', { timeline: toTimelineId(1) })).rejects.toMatchObject(missing);
    await expect(fetch('00000004.history')).rejects.toMatchObject(missing);
    await store({ number: 9n, timeline: 4 });
    await expect(fetch('00000004.history')).rejects.toMatchObject(doubt);
  });

  test('is accepted from the segment on where recovery was told to end', async () => {
    await store({ number: 5n });
    await store({ number: 7n });
    const history = { endAt: named(6n) };
    expect((await fetch(named(5n), history)).length).toBe(smallSegmentBytes);
    await expect(fetch(named(6n), history)).rejects.toMatchObject(missing);
    await expect(fetch(named(7n), history)).rejects.toMatchObject(missing);
  });
});

describe('an unfinished segment', () => {
  test('becomes a whole one with zeros when it is the last', async () => {
    await store({ number: 5n });
    const name = await store({ number: 6n }, 100_000);
    const content = await fetch(name);
    const original = madeSegment({ number: 6n }).content;
    expect(content.length).toBe(smallSegmentBytes);
    expect(content.subarray(0, 100_000).equals(original.subarray(0, 100_000))).toBe(true);
    expect(content.subarray(100_000).every((byte) => byte === 0)).toBe(true);
    await expect(fetch(`${name}.partial`)).resolves.toHaveLength(100_000);
  });

  test('before later WAL is a gap', async () => {
    const name = await store({ number: 6n }, 100_000);
    await store({ number: 7n });
    await expect(fetch(name)).rejects.toMatchObject(doubt);
  });

  test('gives what belongs to the timeline that is followed', async () => {
    const name = await store({ number: 6n }, 100_000);
    await storeHistory(2, 1, { number: 6n, bytes: 50_000 });
    expect((await fetch(name, { timeline: toTimelineId(2) })).subarray(50_000).every((byte) => byte === 0)).toBe(true);
    expect((await fetch(name, { timeline: toTimelineId(1) }))[99_912]).not.toBe(undefined);
    await expect(fetch(name)).rejects.toMatchObject(doubt);
    await store({ number: 6n, timeline: 2 }, 60_000);
    expect((await fetch(name)).length).toBe(smallSegmentBytes);
  });
});

describe('WAL behind a switch', () => {
  test('is never given to a recovery that follows the new timeline', async () => {
    await store({ number: 6n });
    await store({ number: 7n });
    await store({ number: 8n });
    await storeHistory(2, 1, { number: 7n, bytes: 50_000 });
    const second = { timeline: toTimelineId(2) };
    const first = { timeline: toTimelineId(1) };
    const whole = madeSegment({ number: 7n }).content;
    expect((await fetch(named(7n), first)).equals(whole)).toBe(true);
    const cut = await fetch(named(7n), second);
    expect(cut.subarray(0, 50_000).equals(whole.subarray(0, 50_000))).toBe(true);
    expect(cut.subarray(50_000).every((byte) => byte === 0)).toBe(true);
    await expect(fetch(named(8n), second)).rejects.toMatchObject(missing);
    expect((await fetch(named(6n))).length).toBe(smallSegmentBytes);
    await expect(fetch(named(7n))).rejects.toMatchObject(doubt);
    await store({ number: 7n, timeline: 2 });
    expect((await fetch(named(7n))).equals(whole)).toBe(true);
    await expect(fetch(named(8n))).rejects.toMatchObject(doubt);
  });

  test('of a timeline outside the history that was named is in doubt', async () => {
    await storeHistory(2, 1, { number: 7n, bytes: 50_000 });
    await storeHistory(3, 1, { number: 8n, bytes: 50_000 });
    await store({ number: 9n, timeline: 2 });
    await expect(fetch(named(9n, 2), { timeline: toTimelineId(3) })).rejects.toMatchObject(doubt);
  });
});

describe('any failure is a doubt, never an absence', () => {
  const faults = ['backend-unavailable', 'backend-io', 'backend-denied', 'repository-damaged'] as const;

  test.each(faults)('%s', async (code) => {
    const name = await store({ number: 5n });
    const errors = Array.from({ length: 9 }, (_, index) => ({ kind: 'get' as const, nth: index + 1, code }));
    const error = fetch(name, {}, new FaultBackend(backend, { errors }));
    await expect(error).rejects.toMatchObject({ ...doubt, detail: { cause: code } });
    const listing = new FaultBackend(backend, { errors: [{ kind: 'list', nth: 1, code }] });
    await expect(fetch(named(6n), {}, listing)).rejects.toMatchObject(doubt);
    expect(listing.unusedFaults()).toEqual([]);
  });

  test('damage that was one reading only passes', async () => {
    const name = await store({ number: 5n });
    const errors = [{ kind: 'get' as const, nth: 1, code: 'repository-damaged' as const }];
    expect((await fetch(name, {}, new FaultBackend(backend, { errors }))).length).toBe(smallSegmentBytes);
  });

  test('a truncated or changed object', async () => {
    const name = await store({ number: 5n });
    const object = walObjectName(testCluster, { kind: 'segment', segment: name });
    const stored = await backend.get(ctx, object);
    await backend.put(ctx, object, stored.subarray(0, stored.length - 1));
    await expect(fetch(name)).rejects.toMatchObject(doubt);
    stored[stored.length >> 1]! ^= 1;
    await backend.put(ctx, object, stored);
    await expect(fetch(name)).rejects.toMatchObject(doubt);
  });

  test('another key', async () => {
    const name = await store({ number: 5n });
    const stranger = WalArchive.of(await testRepository(), testCluster);
    const reading = new WalArchive({ ...stranger.codec, backend });
    const file = { kind: 'segment', segment: name } as const;
    const fetching = fetchWal(ctx, new RecoveryView(reading, {}), { archive: reading, file });
    await expect(fetching).rejects.toMatchObject(doubt);
  });
});
