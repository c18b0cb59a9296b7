import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../backend/backend.ts';
import { openLocalBackend } from '../../backend/local.ts';
import { openMemoryBackend } from '../../backend/memory.ts';
import { createContext } from '../../base/context.ts';
import { tempDir, type TempDir } from '../../testing/tempDir.ts';
import { waitFor } from '../../testing/waitFor.ts';
import { madeSegment, smallSegmentBytes, testCluster, testRepository } from '../fixture/segments.ts';
import { WalArchive } from '../walArchive.ts';
import { walObjectName } from '../walObjectName.ts';
import { Prefetcher } from './prefetcher.ts';
import type { RecoveryHistory } from './recoveryView.ts';

const ctx = createContext();
let directory: TempDir;
let spool: string;
let archive: WalArchive;
let taken = 0;

beforeEach(async () => {
  directory = await tempDir();
  spool = directory.join('spool');
  mkdirSync(spool);
  taken = 0;
});
afterEach(() => directory[Symbol.asyncDispose]());

const ready = (): string[] => readdirSync(`${spool}/ready`).filter((name) => !name.includes('-tmp-'));
const numberOf = (name: string): number => Number.parseInt(name.slice(16), 16);

async function openPrefetcher(backend: Backend, count: number, history: RecoveryHistory = {}): Promise<Prefetcher> {
  const repository = await testRepository(backend);
  archive = WalArchive.of(repository, testCluster);
  for (let number = 1; number <= count; number++) {
    const { name, content } = madeSegment({ number: BigInt(number), seed: number });
    await archive.put(ctx, { kind: 'segment', segment: name }, content);
  }
  const aheadBytes = 4 * smallSegmentBytes;
  return Prefetcher.open(ctx, {
    repository,
    archive,
    history,
    spool,
    threads: 2,
    aheadBytes,
    onTaken: () => taken++,
  });
}

function expectContent(path: string, number: number): void {
  expect(readFileSync(path).equals(madeSegment({ number: BigInt(number), seed: number }).content)).toBe(true);
}

test.each([
  ['a local repository, by threads', () => openLocalBackend(directory.join('repository'), { create: true })],
  ['another one', openMemoryBackend],
])('fetches ahead from %s, bounded, and goes on as segments are taken', async (_name, backend) => {
  await using prefetcher = await openPrefetcher(backend(), 12);
  expectContent(await prefetcher.fetch(madeSegment({ number: 1n }).name), 1);
  for (let number = 2; number <= 12; number++) {
    const expected = Math.min(4, 13 - number);
    await waitFor(() => ready().length === expected, { what: `${expected} segments ahead of ${number}` });
    expect(
      ready()
        .map(numberOf)
        .sort((one, other) => one - other)[0],
    ).toBe(number);
    const { name } = madeSegment({ number: BigInt(number) });
    expectContent(`${spool}/ready/${name}`, number);
    rmSync(`${spool}/ready/${name}`);
  }
  expect(taken).toBeGreaterThan(0);
  await expect(prefetcher.fetch(madeSegment({ number: 13n }).name)).rejects.toMatchObject({ code: 'wal-missing' });
});

test('what is asked for while it is being fetched is fetched once, and what was ahead of a jump is dropped', async () => {
  await using prefetcher = await openPrefetcher(openMemoryBackend(), 10);
  await prefetcher.fetch(madeSegment({ number: 1n }).name);
  expectContent(await prefetcher.fetch(madeSegment({ number: 2n }).name), 2);
  expectContent(await prefetcher.fetch(madeSegment({ number: 8n }).name), 8);
  await waitFor(
    () =>
      ready()
        .map(numberOf)
        .sort((one, other) => one - other)
        .join() === '9,10',
    {
      what: 'segments behind the jump',
    },
  );
});

test('nothing doubtful is ever in the ready directory', async () => {
  await using prefetcher = await openPrefetcher(openMemoryBackend(), 6, { endAt: madeSegment({ number: 5n }).name });
  const damaged = walObjectName(testCluster, { kind: 'segment', segment: madeSegment({ number: 3n }).name });
  const bytes = await archive.backend.get(ctx, damaged);
  bytes[bytes.length >> 1]! ^= 1;
  await archive.backend.put(ctx, damaged, bytes);
  await prefetcher.fetch(madeSegment({ number: 1n }).name);
  await expect(prefetcher.fetch(madeSegment({ number: 3n }).name)).rejects.toMatchObject({ code: 'wal-unavailable' });
  await prefetcher.fetch(madeSegment({ number: 4n }).name);
  await expect(prefetcher.fetch(madeSegment({ number: 5n }).name)).rejects.toMatchObject({ code: 'wal-missing' });
  expect(
    ready()
      .map(numberOf)
      .every((number) => number === 2),
  ).toBe(true);
  await archive.put(
    ctx,
    { kind: 'partial', segment: madeSegment({ number: 7n }).name },
    Buffer.from(madeSegment({ number: 7n }).content.subarray(0, 9000)),
  );
  expect(ready().map(numberOf)).not.toContain(7);
});

test('an earlier recovery leaves nothing to this one, and this one nothing behind', async () => {
  mkdirSync(`${spool}/ready`);
  writeFileSync(`${spool}/ready/${madeSegment({ number: 9n }).name}`, 'of another recovery');
  const prefetcher = await openPrefetcher(openMemoryBackend(), 3);
  expect(ready()).toEqual([]);
  await prefetcher.fetch(madeSegment({ number: 1n }).name);
  await waitFor(() => ready().length === 2, { what: 'segments ahead' });
  await prefetcher[Symbol.asyncDispose]();
  expect(existsSync(`${spool}/ready`)).toBe(false);
});
