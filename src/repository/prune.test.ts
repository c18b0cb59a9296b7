import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { seededRandom } from '../base/random.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { applyPrune } from './applyPrune.ts';
import { checkRepository } from './check.ts';
import { planTestPrune, prune } from './fixture/pruning.ts';
import { putIndex, putPack } from './fixture/rawPacks.ts';
import { newRepository, objectNames, reopen } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp, digestsOf, restoreAll, type TestFiles } from '../testing/testSnapshots.ts';
import { parseIndex, serializeIndex } from './index/indexDocument.ts';
import { RepositoryLock, withLock } from './lock.ts';
import { removeLocks } from './heldLocks.ts';
import { packObjectName } from './pack/packSink.ts';
import type { Repository } from './repository.ts';

const clock = new SimulatedClock();
const ctx = createContext({ clock });
const none = { kind: 'bytes', bytes: 0 } as const;

const forget = (repository: Repository, { id }: { id: string }): Promise<void> =>
  repository.removeDocument(ctx, 'snapshots', id);

async function requireSound(repository: Repository, expected: ReadonlyMap<string, TestFiles>): Promise<void> {
  const report = await checkRepository(ctx, repository, { references: snapshotReferences, data: { kind: 'all' } });
  expect(report).toMatchObject({ errors: [], hints: [] });
  expect(digestsOf(await restoreAll(await reopen(repository, ctx)))).toEqual(digestsOf(expected));
}

/** A snapshot whose packs also hold as much that only a forgotten one needed, piece by piece. */
async function halfForgotten() {
  const repository = await newRepository({ ctx });
  const old = randomBytes(40 * 4096);
  const files = { a: Buffer.from(old), b: randomBytes(10_000) };
  for (let at = 0; at < old.length; at += 2 * 4096) randomBytes(4096).copy(files.a, at);
  const gone = await backUp(ctx, repository, { files: { a: old, c: randomBytes(50_000) } });
  const kept = await backUp(ctx, repository, { files });
  await forget(repository, gone);
  return { repository, kept, expected: new Map([[kept.id, files]]) };
}

async function packsNow(repository: Repository) {
  const packs = [];
  for (const name of await objectNames(repository.backend, 'index/')) {
    packs.push(...parseIndex(await repository.loadDocument(ctx, 'index', name.slice('index/'.length))));
  }
  return packs;
}

test('what no snapshot needs is removed, what one needs stays, and nothing is left to do', async () => {
  const { repository, expected } = await halfForgotten();
  const before = await planTestPrune(repository);
  expect(before.stats).toMatchObject({ snapshots: 1, duplicateBlobs: 0 });
  expect(before.stats.unusedBytes).toBeGreaterThan(100_000);
  const sizeBefore = await packBytes(repository);
  const plan = await prune(ctx, repository, { maxUnused: none });
  expect(sizeBefore - (await packBytes(repository))).toBeGreaterThan(plan.stats.freedBytes * 0.97);
  await requireSound(repository, expected);
  const after = await planTestPrune(repository, { maxUnused: none });
  expect(after).toMatchObject({ unindexed: [], remove: [], repack: [], missing: [] });
  expect(after.stats).toMatchObject({ unusedBytes: 0, freedBytes: 0, copiedBytes: 0 });
});

async function packBytes(repository: Repository): Promise<number> {
  let bytes = 0;
  for await (const { sizeBytes } of repository.backend.list(ctx, 'data/')) bytes += sizeBytes;
  return bytes;
}

test('planning changes nothing', async () => {
  const { repository } = await halfForgotten();
  const before = await objectNames(repository.backend);
  await planTestPrune(repository, { maxUnused: none, repackSmall: true });
  expect(await objectNames(repository.backend)).toEqual(before);
});

test('with every snapshot forgotten nothing is left', async () => {
  const { repository, kept } = await halfForgotten();
  await forget(repository, kept);
  await prune(ctx, repository);
  expect(await objectNames(repository.backend)).toEqual(['config', `keys/${repository.keyId}`]);
});

test('how much may stay unused and how much may be copied is respected', async () => {
  const { repository, expected } = await halfForgotten();
  const unlimited = await planTestPrune(repository, { maxUnused: { kind: 'unlimited' } });
  expect(unlimited.repack.filter(({ type }) => type === 'data')).toEqual([]);
  const half = await planTestPrune(repository, { maxUnused: { kind: 'percent', percent: 99 } });
  expect(half.repack.filter(({ type }) => type === 'data')).toEqual([]);
  const all = await planTestPrune(repository, { maxUnused: none });
  expect(all.stats.unusedBytesAfter).toBe(0);
  const largest = Math.max(...all.repack.map(({ sizeBytes }) => sizeBytes));
  const some = await planTestPrune(repository, { maxUnused: none, maxRepackBytes: largest });
  expect(some.repack.length).toBeLessThan(all.repack.length);
  expect(some.stats.unusedBytesAfter).toBeGreaterThan(0);
  await prune(ctx, repository, { maxUnused: none, maxRepackBytes: largest });
  await requireSound(repository, expected);
});

test('blobs are copied as they were sealed', async () => {
  const { repository, expected } = await halfForgotten();
  const sealedBlobs = async (): Promise<Map<string, string>> => {
    const sealed = new Map<string, string>();
    for (const { id, blobs } of await packsNow(repository)) {
      const bytes = await repository.backend.get(ctx, packObjectName(id));
      for (const blob of blobs) {
        sealed.set(blob.id.toString('hex'), bytes.toString('hex', blob.offset, blob.offset + blob.length));
      }
    }
    return sealed;
  };
  const before = await sealedBlobs();
  const { repack } = await prune(ctx, repository, { maxUnused: none });
  expect(repack.length).toBeGreaterThan(0);
  for (const [id, sealed] of await sealedBlobs()) expect(sealed === before.get(id), id).toBe(true);
  await requireSound(repository, expected);
});

test('of blobs that several clients stored one copy stays', async () => {
  const repository = await newRepository({ ctx });
  const files = { a: randomBytes(150_000) };
  const [one, two] = [await reopen(repository, ctx), await reopen(repository, ctx)];
  const expected = new Map<string, TestFiles>();
  const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const backups = [one, two].map((client, index) => {
    const whenBegun = (): Promise<unknown> => {
      begun[index]?.resolve();
      return Promise.all(begun.map(({ promise }) => promise));
    };
    return backUp(ctx, client, { files, whenBegun });
  });
  for (const snapshot of await Promise.all(backups)) expected.set(snapshot.id, files);
  const plan = await prune(ctx, repository, { maxUnused: none });
  expect(plan.stats.duplicateBlobs).toBeGreaterThan(30);
  expect(await packBytes(repository)).toBeLessThan(200_000);
  await requireSound(repository, expected);
});

test('a blob several times in one pack, and packs of nothing but copies', async () => {
  const repository = await newRepository({ ctx });
  const files = { a: randomBytes(4096), b: randomBytes(4096) };
  const kept = await backUp(ctx, repository, { files });
  const copies = [files.a, files.b, files.a].map((plain) => ({ type: 'data', plain }) as const);
  await putIndex(repository, [await putPack(repository, copies), await putPack(repository, copies.slice(0, 1))]);
  const plan = await prune(ctx, repository, { maxUnused: none });
  expect(plan.stats.duplicateBlobs).toBe(4);
  await requireSound(repository, new Map([[kept.id, files]]));
  expect((await planTestPrune(repository, { maxUnused: none })).stats).toMatchObject({ unusedBytes: 0 });
});

test('mixed packs and plain trees are written anew', async () => {
  const repository = await newRepository({ ctx });
  const files = { a: randomBytes(4096) };
  const kept = await backUp(ctx, repository, { files });
  const blobs = [];
  for (const { id, blobs: all } of await packsNow(repository)) {
    for (const { type, id: blob } of all) {
      blobs.push({ type, plain: await repository.loadBlob(ctx, type, blob.toString('hex')), compressed: false });
    }
    await repository.backend.delete(ctx, packObjectName(id));
  }
  for (const name of await objectNames(repository.backend, 'index/')) await repository.backend.delete(ctx, name);
  await putIndex(repository, [await putPack(repository, blobs)]);
  await prune(ctx, repository);
  const packs = await packsNow(repository);
  expect(packs.map((pack) => new Set(pack.blobs.map(({ type }) => type)).size)).toEqual([1, 1]);
  const trees = packs.flatMap((pack) => pack.blobs.filter(({ type }) => type === 'tree'));
  expect(trees.every(({ rawLength }) => rawLength > 0)).toBe(true);
  await requireSound(repository, new Map([[kept.id, files]]));
});

test('many small packs and many small index documents are joined; a few stay', async () => {
  const repository = await newRepository({ ctx });
  const expected = new Map<string, TestFiles>();
  const grow = async (): Promise<void> => {
    const files = { a: randomBytes(5000) };
    expected.set((await backUp(ctx, repository, { files })).id, files);
  };
  for (let count = 0; count < 9; count++) await grow();
  expect((await planTestPrune(repository)).repack).toEqual([]);
  expect((await planTestPrune(repository, { repackSmall: true })).repack).toHaveLength(18);
  await grow();
  await prune(ctx, repository);
  expect(await objectNames(repository.backend, 'data/')).toHaveLength(2);
  expect((await objectNames(repository.backend, 'index/')).length).toBeLessThanOrEqual(2);
  await requireSound(repository, expected);
  expect((await planTestPrune(repository, { repackSmall: true })).repack).toEqual([]);
});

test('packs in no index go, also those that only rustic’s packs_to_delete names; strangers stay', async () => {
  const { repository, expected } = await halfForgotten();
  await prune(ctx, repository, { maxUnused: none });
  const orphan = await putPack(repository, [{ type: 'data', plain: randomBytes(5000) }]);
  const doomed = await putPack(repository, [{ type: 'data', plain: randomBytes(5000) }]);
  const json = `{"packs":[],"packs_to_delete":${serializeIndex([doomed]).toString().slice('{"packs":'.length, -1)}}`;
  await repository.saveDocument(ctx, 'index', Buffer.from(json));
  const stranger = `data/wal/${'ab'.repeat(32)}`;
  await repository.backend.put(ctx, stranger, Buffer.from('not ours'));
  const plan = await prune(ctx, repository);
  expect(plan.unindexed.map(({ id }) => id).sort()).toEqual([orphan.id, doomed.id].sort());
  expect(await objectNames(repository.backend, 'data/wal/')).toEqual([stranger]);
  await repository.backend.delete(ctx, stranger);
  await requireSound(repository, expected);
});

test('a pack that is missing or of a wrong size and that nobody needs is dropped', async () => {
  const { repository, expected } = await halfForgotten();
  await prune(ctx, repository, { maxUnused: none });
  const [gone, cut] = [
    await putPack(repository, [{ type: 'data', plain: randomBytes(500) }]),
    await putPack(repository, [{ type: 'data', plain: randomBytes(500) }]),
  ];
  await putIndex(repository, [gone, cut]);
  await repository.backend.delete(ctx, packObjectName(gone.id));
  await repository.backend.put(ctx, packObjectName(cut.id), Buffer.from('short'));
  const plan = await prune(ctx, repository);
  expect([plan.missing, plan.remove.map(({ id }) => id)]).toEqual([[gone.id], [cut.id]]);
  await requireSound(repository, expected);
});

test('a pack of which another copy of each blob is sound may be damaged', async () => {
  const repository = await newRepository({ ctx });
  const files = { a: randomBytes(4000) };
  const kept = await backUp(ctx, repository, { files });
  const copy = await putPack(repository, [{ type: 'data', plain: files.a }]);
  await putIndex(repository, [copy]);
  const [original] = (await packsNow(repository)).filter(
    ({ id, blobs }) => id !== copy.id && blobs[0]?.type === 'data',
  );
  await repository.backend.delete(ctx, packObjectName(original?.id ?? ''));
  await prune(ctx, repository);
  await requireSound(repository, new Map([[kept.id, files]]));
});

const spoilers: readonly (readonly [string, (repository: Repository) => Promise<void>])[] = [
  ['a snapshot cannot be read', (repository) => spoil(repository, 'snapshots/')],
  ['an index document cannot be read', (repository) => spoil(repository, 'index/')],
  [
    'a snapshot is not one',
    async (repository) => void (await repository.saveDocument(ctx, 'snapshots', Buffer.from('{}'))),
  ],
  ['a needed data pack is missing', (repository) => removePack(repository, 'data')],
  ['a needed tree pack is missing', (repository) => removePack(repository, 'tree')],
  [
    'index documents contradict each other',
    async (repository) => {
      const [pack] = await packsNow(repository);
      if (pack !== undefined) await putIndex(repository, [{ ...pack, blobs: pack.blobs.slice(1) }]);
    },
  ],
];

async function spoil(repository: Repository, folder: string): Promise<void> {
  const [name = ''] = await objectNames(repository.backend, folder);
  await repository.backend.put(ctx, name, (await repository.backend.get(ctx, name)).subarray(1));
}

async function removePack(repository: Repository, type: string): Promise<void> {
  const { collected } = await planTestPrune(repository);
  for (const { id, blobs } of await packsNow(repository)) {
    const needed = blobs.filter((blob) => blob.type === type && collected.used.isNeeded(blob));
    if (needed.length > 0) return repository.backend.delete(ctx, packObjectName(id));
  }
}

test.each(spoilers)('%s: nothing is changed', async (_, spoiler) => {
  const { repository } = await halfForgotten();
  await spoiler(repository);
  const before = await objectNames(repository.backend);
  await expect(prune(ctx, repository, { maxUnused: none })).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(await objectNames(repository.backend)).toEqual(before);
});

test('a blob that turns out damaged while it is copied ends the prune; nothing that is needed is deleted', async () => {
  const { repository, expected } = await halfForgotten();
  const [victim] = (await planTestPrune(repository, { maxUnused: none })).repack.filter(({ type }) => type === 'data');
  const name = packObjectName(victim?.id ?? '');
  const sound = await repository.backend.get(ctx, name);
  const flipped = Buffer.from(sound);
  for (let at = 40; at < flipped.length; at += 1000) flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
  await repository.backend.put(ctx, name, flipped);
  await expect(prune(ctx, repository, { maxUnused: none })).rejects.toMatchObject({
    code: 'repository-damaged',
    message: expect.stringContaining(name),
  });
  await repository.backend.put(ctx, name, sound);
  expect(digestsOf(await restoreAll(await reopen(repository, ctx)))).toEqual(digestsOf(expected));
  await prune(ctx, repository, { maxUnused: none });
  await requireSound(repository, expected);
});

test('a plan that is out of date is refused', async () => {
  const { repository } = await halfForgotten();
  await using lock = await RepositoryLock.acquire(ctx, repository, { exclusive: true });
  const plan = await planTestPrune(repository);
  const refused = async (): Promise<void> => {
    const before = await objectNames(repository.backend);
    await expect(applyPrune(ctx, repository, plan, { lock })).rejects.toMatchObject({ code: 'repository-locked' });
    expect(await objectNames(repository.backend)).toEqual(before);
  };
  const document = await putIndex(repository, []);
  await refused();
  await repository.backend.delete(ctx, document);
  const [snapshot = ''] = await objectNames(repository.backend, 'snapshots/');
  const json = await repository.loadDocument(ctx, 'snapshots', snapshot.slice('snapshots/'.length));
  await repository.saveDocument(ctx, 'snapshots', json);
  await refused();
});

test('a snapshot that appears while blobs are copied stops the prune before anything indexed is deleted', async () => {
  const { repository, expected } = await halfForgotten();
  const attempt = withLock(ctx, repository, {
    exclusive: true,
    run: async (locked, lock) => {
      const plan = await planTestPrune(repository, { maxUnused: none });
      const [id = ''] = plan.snapshotIds;
      const json = await repository.loadDocument(ctx, 'snapshots', id);
      let phases = 0;
      const progress = {
        phase: () => {
          if (++phases === 2) void repository.saveDocument(ctx, 'snapshots', json);
        },
        advance: () => undefined,
        note: () => undefined,
      };
      await applyPrune(locked, repository, plan, { lock, progress });
    },
  });
  await expect(attempt).rejects.toMatchObject({ code: 'repository-locked' });
  const [files] = Object.values(digestsOf(expected));
  const restored = await restoreAll(await reopen(repository, ctx));
  expect(Object.values(digestsOf(restored))).toEqual([files, files]);
});

test('without a lock that is exclusive and still there nothing is deleted', async () => {
  const { repository } = await halfForgotten();
  const plan = await planTestPrune(repository, { maxUnused: none });
  {
    await using shared = await RepositoryLock.acquire(ctx, repository, { exclusive: false });
    await expect(applyPrune(ctx, repository, plan, { lock: shared })).rejects.toThrow('exclusive');
  }
  await using lost = await RepositoryLock.acquire(ctx, repository, { exclusive: true });
  await removeLocks(ctx, repository, 'all');
  const before = await objectNames(repository.backend);
  await expect(applyPrune(ctx, repository, plan, { lock: lost })).rejects.toMatchObject({ code: 'lock-lost' });
  expect(await objectNames(repository.backend)).toEqual(before);
});

test('an append-only repository is not pruned', async () => {
  const { repository } = await halfForgotten();
  Object.assign(repository.config, { appendOnly: true });
  await expect(prune(ctx, repository)).rejects.toMatchObject({ code: 'backend-denied' });
});

test.each([1, 2, 3, 4, 5, 6])(
  'any history of backups, forgets and prunes keeps what is kept (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const repository = await newRepository({ ctx });
    const expected = new Map<string, TestFiles>();
    const pool = Array.from({ length: 12 }, () => randomBytes(2000 + pick(30_000)));
    for (let round = 0; round < 14; round++) {
      const choice = pick(4);
      if (choice < 2) {
        const client = pick(3) === 0 ? await reopen(repository, ctx) : repository;
        const files: TestFiles = Object.fromEntries(
          Array.from({ length: 1 + pick(4) }, (_, index) => [`f${index}`, pool[pick(pool.length)] ?? Buffer.alloc(1)]),
        );
        expected.set((await backUp(ctx, client, { files, packSizeBytes: 16_384 })).id, files);
      } else if (choice === 2 && expected.size > 0) {
        const id = [...expected.keys()][pick(expected.size)] ?? '';
        await forget(repository, { id });
        expected.delete(id);
      } else {
        await prune(ctx, repository, { maxUnused: { kind: 'percent', percent: pick(60) }, repackSmall: pick(2) === 0 });
        await requireSound(repository, expected);
      }
    }
    await prune(ctx, repository, { maxUnused: none });
    await requireSound(repository, expected);
    expect((await planTestPrune(repository)).stats).toMatchObject({ unusedBytes: 0, duplicateBlobs: 0 });
  },
);
