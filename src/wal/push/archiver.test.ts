import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultBackend } from '../../backend/fault.ts';
import { openLocalBackend } from '../../backend/local.ts';
import { openMemoryBackend } from '../../backend/memory.ts';
import type { Backend } from '../../backend/backend.ts';
import { createContext } from '../../base/context.ts';
import { PgWal } from '../fixture/pgWal.ts';
import { otherCluster, testCluster, testRepository } from '../fixture/segments.ts';
import { findGaps } from '../walGaps.ts';
import { listArchive } from '../walListing.ts';
import { WalArchive } from '../walArchive.ts';
import { Repository } from '../../repository/repository.ts';
import { tempDir, type TempDir } from '../../testing/tempDir.ts';
import { Archiver } from './archiver.ts';

const ctx = createContext();
let directory: TempDir;
let pgWal: PgWal;
let spool: string;

beforeEach(async () => {
  directory = await tempDir();
  pgWal = new PgWal(directory.join('data'));
  spool = directory.join('spool');
  mkdirSync(spool);
});
afterEach(() => directory[Symbol.asyncDispose]());

const localBackend = (): Backend => openLocalBackend(directory.join('repository'), { create: true });

function acknowledged(): string[] {
  return readdirSync(spool)
    .filter((name) => name.endsWith('.ok'))
    .sort();
}

async function storedNames(archive: WalArchive): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of archive.backend.list(ctx, 'wal/')) names.push(name.slice(name.lastIndexOf('/') + 1));
  return names.sort();
}

async function openArchiver(backend: Backend): Promise<{ archiver: Archiver; archive: WalArchive }> {
  const repository = await testRepository(backend);
  const archive = WalArchive.of(repository, testCluster);
  return { archiver: await Archiver.open(ctx, { repository, archive, spool, threads: 2 }), archive };
}

test.each([
  ['a local repository, by threads', localBackend],
  ['another one, directly', openMemoryBackend],
])('stores what is asked for and what is ready, in %s', async (_name, backend) => {
  const { archiver, archive } = await openArchiver(backend());
  await using _archiver = archiver;
  const added = [5n, 6n, 7n, 8n].map((number) => pgWal.addSegment({ number, seed: Number(number) }));
  pgWal.addFile('00000002.history', Buffer.from('1\t0/5000028\twhy\n'));
  const last = pgWal.addSegment({ number: 9n });
  pgWal.addFile(`${last.name}.partial`, last.content);
  await archiver.store(added[0]!.path);
  await archiver.store(`${pgWal.path}/${last.name}.partial`);
  expect(await storedNames(archive)).toEqual(['00000002.history', ...added.map(({ name }) => name), last.name].sort());
  for (const { name, content } of added) {
    expect((await archive.get(ctx, { kind: 'segment', segment: name })).content.equals(content)).toBe(true);
  }
  expect(acknowledged()).toHaveLength(7);
  for (const { name } of added) pgWal.markDone(name);
  await archiver.store(pgWal.addSegment({ number: 10n }).path);
  expect(acknowledged()).toHaveLength(4);
});

test('a file that is written again is stored again, and refused when it differs', async () => {
  const { archiver } = await openArchiver(localBackend());
  await using _archiver = archiver;
  const { name, path, content } = pgWal.addSegment();
  await archiver.store(path);
  writeFileSync(path, content);
  await archiver.store(path);
  content[5000]! ^= 1;
  writeFileSync(path, content);
  await expect(archiver.store(path)).rejects.toMatchObject({ code: 'wal-conflict', detail: { name } });
});

test('a failure ends the run: nothing behind it becomes visible, nothing is acknowledged, nothing is left behind', async () => {
  const { archiver, archive } = await openArchiver(localBackend());
  await using _archiver = archiver;
  const before = pgWal.addSegment({ number: 5n });
  const foreign = pgWal.addSegment({ number: 6n, systemIdentifier: otherCluster });
  const behind = pgWal.addSegment({ number: 7n });
  await archiver.store(before.path);
  await expect(archiver.store(foreign.path)).rejects.toMatchObject({ code: 'cluster-mismatch' });
  await expect(archiver.store(behind.path)).rejects.toMatchObject({ code: 'cluster-mismatch' });
  expect(await storedNames(archive)).toEqual([before.name]);
  expect(acknowledged()).toEqual([`${before.name}.ok`]);
  const files = readdirSync(directory.join('repository', 'wal'), { recursive: true, encoding: 'utf8' });
  expect(files.filter((name) => name.includes('-tmp-'))).toEqual([]);
  const repaired = pgWal.addSegment({ number: 6n });
  await archiver.store(repaired.path);
  await archiver.store(behind.path);
  expect(await storedNames(archive)).toEqual([before.name, repaired.name, behind.name]);
});

test('acknowledgements do not outlive the archiver', async () => {
  writeFileSync(`${spool}/000000010000000000000001.ok`, '');
  const { archiver } = await openArchiver(localBackend());
  expect(acknowledged()).toEqual([]);
  const { path } = pgWal.addSegment();
  await archiver.store(path);
  expect(acknowledged()).toHaveLength(1);
  await archiver[Symbol.asyncDispose]();
  expect(acknowledged()).toEqual([]);
});

test('stopped after any operation: no acknowledgement without its object, no hole, and the next run completes', async () => {
  for (let afterMutations = 0; afterMutations < 5; afterMutations++) {
    const backend = openMemoryBackend();
    const repository = await testRepository(backend);
    const numbers = [5n, 6n, 7n, 8n];
    const added = numbers.map((number) => pgWal.addSegment({ number, seed: afterMutations }));
    const fault = new FaultBackend(backend, { crash: { afterMutations, seed: afterMutations } });
    const cached = { masterKey: repository.masterKey, keyId: repository.keyId, repositoryId: repository.config.id };
    const dying = await Repository.open(ctx, fault, cached);
    const archiver = await Archiver.open(ctx, {
      repository: dying,
      archive: WalArchive.of(dying, testCluster),
      spool,
      threads: 0,
    });
    const results = await Promise.allSettled(added.map(({ path }) => archiver.store(path)));
    const archive = WalArchive.of(repository, testCluster);
    const names = await storedNames(archive);
    for (const name of acknowledged()) expect(names).toContain(name.replace('.ok', ''));
    results.forEach((result, index) => {
      if (result.status === 'fulfilled') expect(names).toContain(added[index]!.name);
    });
    expect(findGaps(await listArchive(ctx, archive))).toEqual([]);
    await archiver[Symbol.asyncDispose]();
    if (afterMutations < numbers.length) expect(fault.unusedFaults()).toEqual([]);

    const next = await Archiver.open(ctx, { repository, archive, spool, threads: 0 });
    for (const { path } of added) await next.store(path);
    expect(await storedNames(archive)).toEqual(added.map(({ name }) => name));
    await next[Symbol.asyncDispose]();
    expect(existsSync(added[0]!.path)).toBe(true);
  }
});
