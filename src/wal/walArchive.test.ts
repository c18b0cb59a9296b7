import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { FaultBackend } from '../backend/fault.ts';
import { openLocalBackend } from '../backend/local.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import {
  madeSegment,
  otherCluster,
  smallSegmentBytes,
  testArchive,
  testCluster,
  testRepository,
} from './fixture/segments.ts';
import { WalArchive } from './walArchive.ts';
import { walObjectName } from './walObjectName.ts';

const ctx = createContext();
let directory: TempDir;
let counter = 0;

beforeAll(async () => {
  directory = await tempDir();
});
afterAll(() => directory[Symbol.asyncDispose]());

const backends: Readonly<Record<string, () => Backend>> = {
  memory: openMemoryBackend,
  local: () => openLocalBackend(directory.join(`repository-${counter++}`), { create: true }),
};

const history: WalFileName = { kind: 'history', timeline: 2 as TimelineId };
const historyText = Buffer.from('1\t0/5000028\tno recovery target specified\n');

describe.each(Object.entries(backends))('a WAL archive on the %s backend', (_name, openBackend) => {
  test('gives back what was put, of every kind', async () => {
    const archive = await testArchive(openBackend());
    const { name, content } = madeSegment();
    const next = madeSegment({ number: 6n });
    const notes: WalFileName = { kind: 'backup', segment: name, offsetBytes: 0x28 };
    const files: [WalFileName, Buffer][] = [
      [{ kind: 'segment', segment: name }, content],
      [{ kind: 'partial', segment: next.name }, next.content.subarray(0, 70_000)],
      [history, historyText],
      [notes, Buffer.from('START WAL LOCATION: 0/500028 (file x)\n')],
    ];
    for (const [file, bytes] of files) {
      expect(await archive.has(ctx, file)).toBe(false);
      expect(await archive.put(ctx, file, bytes)).toBe('stored');
      expect(await archive.put(ctx, file, bytes)).toBe('identical');
      expect((await archive.get(ctx, file)).content.equals(bytes)).toBe(true);
    }
    const names: string[] = [];
    for await (const object of archive.backend.list(ctx, 'wal/')) names.push(object.name);
    expect(names.sort()).toEqual([
      `wal/${testCluster}/00000001/000000010000000000000005`,
      `wal/${testCluster}/00000001/000000010000000000000005.00000028.backup`,
      `wal/${testCluster}/00000001/000000010000000000000006.partial`,
      `wal/${testCluster}/00000002.history`,
    ]);
  });

  test('refuses different content and keeps the first', async () => {
    const archive = await testArchive(openBackend());
    const { name, content } = madeSegment();
    const other = madeSegment({ seed: 2 });
    const file: WalFileName = { kind: 'segment', segment: name };
    await archive.put(ctx, file, content);
    await expect(archive.put(ctx, file, other.content)).rejects.toMatchObject({ code: 'wal-conflict' });
    await archive.put(ctx, history, historyText);
    await expect(archive.put(ctx, history, Buffer.from('1\t0/6000028\tx\n'))).rejects.toMatchObject({
      code: 'wal-conflict',
    });
    expect((await archive.get(ctx, file)).content.equals(content)).toBe(true);
    expect((await archive.get(ctx, history)).content.equals(historyText)).toBe(true);
  });

  test('an unfinished segment grows, never shrinks, and gives way to the whole one', async () => {
    const archive = await testArchive(openBackend());
    const { name, content } = madeSegment();
    const file: WalFileName = { kind: 'partial', segment: name };
    const upTo = (length: number, by = archive) => by.put(ctx, file, content.subarray(0, length));
    const another = new WalArchive({ ...archive.codec, backend: archive.backend });
    expect(await upTo(10_000)).toBe('stored');
    expect(await upTo(20_000)).toBe('stored');
    expect(await upTo(30_000, another)).toBe('stored');
    expect(await upTo(25_000)).toBe('superseded');
    expect((await archive.get(ctx, file)).content.length).toBe(30_000);
    const changed = Buffer.from(content.subarray(0, 40_000));
    changed[29_999]! ^= 1;
    await expect(archive.put(ctx, file, changed)).rejects.toMatchObject({ code: 'wal-conflict' });
    expect(await archive.put(ctx, { kind: 'segment', segment: name }, content)).toBe('stored');
    expect(await archive.has(ctx, file)).toBe(false);
    expect(await upTo(40_000)).toBe('superseded');
    expect(await archive.has(ctx, file)).toBe(false);
  });
});

test('only WAL of this cluster, under its own name, is taken', async () => {
  const archive = await testArchive();
  const { name, content } = madeSegment();
  const foreign = madeSegment({ systemIdentifier: otherCluster });
  const renamed = madeSegment({ number: 6n }).name;
  const put = (segment: typeof name, bytes: Uint8Array) => archive.put(ctx, { kind: 'segment', segment }, bytes);
  await expect(put(name, foreign.content)).rejects.toMatchObject({ code: 'cluster-mismatch' });
  await expect(put(renamed, content)).rejects.toMatchObject({ code: 'wal-invalid' });
  await expect(put(name, content.subarray(0, 8192))).rejects.toMatchObject({ code: 'wal-invalid' });
  await expect(archive.put(ctx, history, Buffer.from('garbage\n'))).rejects.toMatchObject({ code: 'wal-invalid' });
});

test('any flipped bit, any truncation, any renaming on storage is found', async () => {
  const backend = openMemoryBackend();
  const archive = await testArchive(backend);
  const { name, content } = madeSegment();
  const file: WalFileName = { kind: 'segment', segment: name };
  await archive.put(ctx, file, content);
  const objectName = walObjectName(testCluster, file);
  const stored = await backend.get(ctx, objectName);
  for (const at of [
    0,
    15,
    16,
    20,
    26,
    50,
    90,
    111,
    112,
    130,
    stored.length >> 1,
    stored.length - 17,
    stored.length - 1,
  ]) {
    const flipped = Buffer.from(stored);
    flipped[at]! ^= 0x10;
    await backend.put(ctx, objectName, flipped);
    await expect(archive.get(ctx, file), `byte ${at}`).rejects.toMatchObject({ code: 'repository-damaged' });
  }
  for (const length of [0, 31, 32, 100, stored.length - 1]) {
    await backend.put(ctx, objectName, stored.subarray(0, length));
    await expect(archive.get(ctx, file), `length ${length}`).rejects.toMatchObject({ code: 'repository-damaged' });
  }
  const elsewhere: WalFileName = { kind: 'segment', segment: madeSegment({ number: 6n }).name };
  await backend.put(ctx, walObjectName(testCluster, elsewhere), stored);
  await expect(archive.get(ctx, elsewhere)).rejects.toMatchObject({ code: 'repository-damaged' });
  const asPartial: WalFileName = { kind: 'partial', segment: name };
  await backend.put(ctx, walObjectName(testCluster, asPartial), stored);
  await expect(archive.get(ctx, asPartial)).rejects.toMatchObject({ code: 'repository-damaged' });
  const foreignArchive = new WalArchive({ ...archive.codec, backend, systemIdentifier: otherCluster });
  await backend.put(ctx, walObjectName(otherCluster, file), stored);
  await expect(foreignArchive.get(ctx, file)).rejects.toMatchObject({ code: 'cluster-mismatch' });
});

test('content that did not come through compression as it went in is found by its checksum', async () => {
  const archive = await testArchive();
  const { name, content } = madeSegment();
  const file: WalFileName = { kind: 'segment', segment: name };
  await archive.put(ctx, file, content);
  const objectName = walObjectName(testCluster, file);
  const plain = archive.codec.sealer.open(await archive.backend.get(ctx, objectName));
  plain[plain.length - 1]! ^= 1;
  await archive.backend.put(ctx, objectName, archive.codec.sealer.seal(plain));
  await expect(archive.get(ctx, file)).rejects.toMatchObject({ code: 'repository-damaged' });
});

test('a process that dies at any operation of a put leaves nothing torn, and the next one succeeds', async () => {
  const { name, content } = madeSegment({ segmentBytes: smallSegmentBytes });
  const file: WalFileName = { kind: 'segment', segment: name };
  for (const seed of [undefined, 1, 2, 3, 4]) {
    for (let afterMutations = 0; afterMutations < 3; afterMutations++) {
      const backend = openMemoryBackend();
      const repository = await testRepository(backend);
      await WalArchive.of(repository, testCluster).put(
        ctx,
        { kind: 'partial', segment: name },
        content.subarray(0, 9000),
      );
      const fault = new FaultBackend(backend, { crash: { afterMutations, ...(seed === undefined ? {} : { seed }) } });
      const dying = new WalArchive({ ...WalArchive.of(repository, testCluster).codec, backend: fault });
      const putAll = async (archive: WalArchive) => {
        await archive.put(ctx, file, content);
        return archive.put(ctx, history, historyText);
      };
      await expect(putAll(dying)).rejects.toThrow('dead');
      expect(fault.unusedFaults()).toEqual([]);
      const next = WalArchive.of(repository, testCluster);
      if (await next.has(ctx, file)) expect((await next.get(ctx, file)).content.equals(content)).toBe(true);
      expect(['stored', 'identical']).toContain(await putAll(next));
      expect((await next.get(ctx, file)).content.equals(content)).toBe(true);
    }
  }
});
