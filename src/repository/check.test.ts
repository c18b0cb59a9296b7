import { hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { openMemoryBackend } from '../backend/memory.ts';
import { createContext } from '../base/context.ts';
import { seededRandom } from '../base/random.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { checkRepository, requireClean, type CheckOptions, type CheckReport } from './check.ts';
import { putIndex, putPack } from './fixture/rawPacks.ts';
import { newRepository, objectNames, reopen } from '../testing/repositories.ts';
import { SimulatedClock } from '../testing/simulatedClock.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { parseIndex } from './index/indexDocument.ts';
import { packObjectName } from './pack/packSink.ts';
import type { Repository } from './repository.ts';

const ctx = createContext({ clock: new SimulatedClock() });
const files = {
  'a.bin': randomBytes(150_000),
  'text.txt': Buffer.from('some text\n'.repeat(3000)),
  'empty': Buffer.alloc(0),
};

async function setUp(): Promise<Repository> {
  const repository = await newRepository({ ctx });
  await backUp(ctx, repository, { files });
  return repository;
}

const check = (repository: Repository, options: Partial<CheckOptions> = {}): Promise<CheckReport> =>
  checkRepository(ctx, repository, { references: snapshotReferences, ...options });
const found = ({ errors, hints }: CheckReport) => ({
  errors: errors.map(({ object, problem }) => `${object}: ${problem}`),
  hints: hints.map(({ object, problem }) => `${object}: ${problem}`),
});
const clean = { errors: [], hints: [] };

/** Replaces an object by a changed one of the same name. */
async function change(backend: Backend, name: string, to: (bytes: Buffer) => Buffer): Promise<void> {
  await backend.put(ctx, name, to(await backend.get(ctx, name)));
}

async function first(repository: Repository, prefix: string): Promise<string> {
  const [name] = await objectNames(repository.backend, prefix);
  if (name === undefined) throw new Error(`there is no object in ${prefix}`);
  return name;
}
const flip = (at: number) => (bytes: Buffer) => {
  const changed = Buffer.from(bytes);
  const place = at < 0 ? bytes.length + at : at;
  changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
  return changed;
};
const packsOf = async (repository: Repository, type: string) => {
  const document = (await first(repository, 'index/')).slice('index/'.length);
  const packs = parseIndex(await repository.loadDocument(ctx, 'index', document));
  return packs.filter(({ blobs }) => blobs[0]?.type === type);
};

test('a sound repository has neither errors nor hints, and its figures are told', async () => {
  const repository = await setUp();
  await backUp(ctx, repository, { files: { ...files, more: randomBytes(10_000) } });
  const report = await check(repository, { data: { kind: 'all' } });
  expect(found(report)).toEqual(clean);
  const packs = (await objectNames(repository.backend, 'data/')).length;
  expect(report.stats).toMatchObject({ keys: 1, locks: 0, snapshots: 2, trees: 4, files: 7, packs, packsRead: packs });
  expect(report.stats.bytesRead).toBeGreaterThan(185_000);
  expect(() => requireClean(report)).not.toThrow();
});

test('an empty repository is sound', async () => {
  expect(found(await check(await newRepository({ ctx }), { data: { kind: 'all' } }))).toEqual(clean);
});

test.each(['index/', 'snapshots/', 'keys/', 'locks/', 'data/'])(
  'damage to an object in %s is an error that names it',
  async (folder) => {
    const repository = await setUp();
    if (folder === 'locks/')
      await repository.saveDocument(ctx, 'locks', Buffer.from('{"time":"2026-11-22T10:00:00Z"}'));
    const name = await first(repository, folder);
    for (const damage of [flip(20), flip(-1), (bytes: Buffer) => bytes.subarray(0, -7)]) {
      const original = await repository.backend.get(ctx, name);
      await change(repository.backend, name, damage);
      const report = await check(repository, { data: { kind: 'all' } });
      expect(found(report).errors.join()).toContain(name);
      expect(() => requireClean(report)).toThrow(
        expect.objectContaining({ code: 'check-failed', hint: expect.any(String) }),
      );
      await repository.backend.put(ctx, name, original);
    }
    expect(found(await check(repository, { data: { kind: 'all' } })).errors).toEqual([]);
  },
);

test('any byte of any object: the damage is found', async () => {
  const repository = await setUp();
  const { backend } = repository;
  const random = seededRandom(7);
  const names = (await objectNames(backend)).filter((name) => name !== 'config');
  for (let round = 0; round < 120; round++) {
    const name = names[Math.floor(random() * names.length)] ?? '';
    const original = await backend.get(ctx, name);
    await backend.put(ctx, name, flip(Math.floor(random() * original.length))(original));
    const { errors } = await check(repository, { data: { kind: 'all' } });
    expect(errors.map(({ object }) => object)).toContain(name);
    await backend.put(ctx, name, original);
  }
});

test('what is missing is named: packs, index, trees, data', async () => {
  const repository = await setUp();
  const { backend } = repository;
  const [dataPack] = await packsOf(repository, 'data');
  const [treePack] = await packsOf(repository, 'tree');
  const without = async (name: string): Promise<string[]> => {
    const bytes = await backend.get(ctx, name);
    await backend.delete(ctx, name);
    const { errors } = found(await check(repository));
    await backend.put(ctx, name, bytes);
    return errors;
  };
  expect(await without(packObjectName(dataPack!.id))).toEqual([`${packObjectName(dataPack!.id)}: is missing`]);
  const treeErrors = await without(packObjectName(treePack!.id));
  expect(treeErrors[0]).toBe(`${packObjectName(treePack!.id)}: is missing`);
  expect(treeErrors[1]).toMatch(/^tree [0-9a-f]{64}: /);
  expect((await without(await first(repository, 'index/'))).join()).toMatch(/^tree [0-9a-f]{64}: .*in no index/);
  const key = await without(await first(repository, 'keys/'));
  expect(key).toEqual([expect.stringContaining('no longer there')]);
});

test('an index that says too little, too much or two things is an error', async () => {
  const repository = await setUp();
  const { backend } = repository;
  const document = await first(repository, 'index/');
  const packs = parseIndex(await repository.loadDocument(ctx, 'index', document.slice('index/'.length)));
  const [pack, ...others] = packs;
  const [blob, ...blobs] = pack!.blobs;
  await backend.delete(ctx, document);
  const errorsWith = async (altered: typeof packs): Promise<string> => {
    const name = await putIndex(repository, altered);
    const { errors } = found(await check(repository));
    await backend.delete(ctx, name);
    return errors.join('\n');
  };
  const object = packObjectName(pack!.id);
  expect(await errorsWith(packs)).toBe('');
  expect(await errorsWith([{ ...pack!, blobs }, ...others])).toContain(
    `${object}: the index says that its blobs overlap`,
  );
  expect(await errorsWith([{ ...pack!, blobs: pack!.blobs.slice(0, -1) }, ...others])).toMatch(/must have \d+/);
  expect(await errorsWith([{ ...pack!, blobs: [{ ...blob!, length: 32 }] }, ...others])).toContain('impossible length');
  expect(await errorsWith([...packs, { ...pack!, blobs }])).toContain(
    `${object}: index documents contradict each other`,
  );
  expect(await errorsWith(others)).toMatch(
    /its file "a.bin" needs what no index lists: \d+ data blobs, first [0-9a-f]{64}/,
  );
  const twice = [await putIndex(repository, packs), await putIndex(repository, [pack!])];
  expect(found(await check(repository))).toEqual({
    errors: [],
    hints: [`${object}: is listed by several index documents`],
  });
  for (const name of twice) await backend.delete(ctx, name);
});

const node = {
  name: 'f',
  type: 'file',
  mode: 420,
  mtime: '2026-11-22T10:00:00Z',
  atime: '2026-11-22T10:00:00Z',
  ctime: '2026-11-22T10:00:00Z',
  uid: 0,
  gid: 0,
};
const content = Buffer.from('five!');

test.each([
  [
    'a size that its blobs do not have',
    { ...node, size: 4, content: ['ID'] },
    /recorded with 4 bytes, and its blobs have 5/,
  ],
  ['no content list', { ...node, size: 5, content: null }, /./],
  ['a blob that is none', { ...node, size: 5, content: ['zz'.repeat(32)] }, /not a blob id/],
  ['a name that leads elsewhere', { ...node, name: '../f', size: 5, content: ['ID'] }, /holds a slash/],
  ['an unknown type', { ...node, type: 'door', content: ['ID'] }, /./],
  ['a directory without a subtree', { ...node, type: 'dir', content: null }, /./],
])('a tree with %s is an error', async (_, wrong, problem) => {
  const repository = await newRepository({ ctx });
  const text = JSON.stringify({ nodes: [wrong] }).replace('ID', hash('sha256', content, 'hex'));
  const tree = Buffer.from(`${text}\n`);
  const id = hash('sha256', tree, 'hex');
  await putIndex(repository, [
    await putPack(repository, [{ type: 'data', plain: content }]),
    await putPack(repository, [{ type: 'tree', plain: tree }]),
  ]);
  await repository.saveDocument(
    ctx,
    'snapshots',
    Buffer.from(`{"time":"2026-11-22T10:00:00Z","tree":"${id}","paths":["/"]}`),
  );
  const { errors } = await check(repository);
  expect(errors).toEqual([expect.objectContaining({ object: `tree ${id}`, problem: expect.stringMatching(problem) })]);
});

test('a snapshot that is none is an error, the others are checked', async () => {
  const repository = await setUp();
  const id = await repository.saveDocument(ctx, 'snapshots', Buffer.from('{"time":"2026-11-22T10:00:00Z"}'));
  const report = await check(repository);
  expect(found(report).errors).toEqual([expect.stringContaining(`snapshots/${id}: `)]);
  expect(report.stats).toMatchObject({ snapshots: 1, trees: 2 });
});

test('untidy things are hints: packs in no index, mixed, elsewhere; locks; strange files', async () => {
  const repository = await setUp();
  const { backend } = repository;
  const unindexed = await putPack(repository, [{ type: 'data', plain: randomBytes(100) }]);
  const mixed = await putPack(repository, [
    { type: 'data', plain: randomBytes(100) },
    { type: 'tree', plain: Buffer.from('{"nodes":[]}\n') },
  ]);
  await putIndex(repository, [mixed]);
  const strange = [
    `data/wal/${'ab'.repeat(32)}`,
    'data/ab/notes',
    'snapshots/notes',
    'index/sub/notes',
    'wal/1/2/segment',
  ];
  for (const name of strange) await backend.put(ctx, name, Buffer.from('x'));
  await backend.put(ctx, `locks/${'cd'.repeat(32)}`, Buffer.alloc(0));
  const lock = { time: '2026-11-22T08:00:00Z', exclusive: true, hostname: 'h', username: 'u', pid: 1 };
  const stale = await repository.saveDocument(ctx, 'locks', Buffer.from(JSON.stringify(lock)));
  const report = await check(await reopen(repository, ctx), { data: { kind: 'all' } });
  expect(report.errors).toEqual([]);
  expect(report.hints.map(({ object }) => object).toSorted()).toEqual(
    [
      packObjectName(unindexed.id),
      packObjectName(mixed.id),
      ...strange.slice(0, 4),
      `locks/${'cd'.repeat(32)}`,
      `locks/${stale}`,
    ].toSorted(),
  );
});

test('keys that stock clients stumble over are errors, too many of them a hint', async () => {
  const repository = await setUp();
  const foreign = Buffer.from('{"kdf":"argon2id"}');
  await repository.backend.put(ctx, `keys/${hash('sha256', foreign, 'hex')}`, foreign);
  const good = await repository.backend.get(ctx, `keys/${repository.keyId}`);
  for (let count = 0; count < 20; count++) {
    const copy = Buffer.concat([good, Buffer.from(' '.repeat(count + 1))]);
    await repository.backend.put(ctx, `keys/${hash('sha256', copy, 'hex')}`, copy);
  }
  const report = found(await check(repository));
  expect(report.errors).toEqual([expect.stringContaining('unknown key derivation')]);
  expect(report.hints).toEqual(['keys/: 22 keys, and clients try 20']);
});

test('a blob twice in one pack or in several packs is no matter', async () => {
  const repository = await setUp();
  const plain = randomBytes(100);
  const blob = { type: 'data', plain } as const;
  await putIndex(repository, [await putPack(repository, [blob, blob]), await putPack(repository, [blob])]);
  expect(found(await check(await reopen(repository, ctx), { data: { kind: 'all' } }))).toEqual(clean);
});

test('a part of the data is read: all parts together everything, a seed the same again', async () => {
  const repository = await setUp();
  const names = await objectNames(repository.backend, 'data/');
  let read = 0;
  for (let part = 1; part <= 3; part++) {
    read += (await check(repository, { data: { kind: 'part', part, parts: 3 } })).stats.packsRead;
  }
  expect(read).toBe(names.length);
  const half = { kind: 'percent', percent: 50 } as const;
  const twice = [await check(repository, { data: half, seed: 3 }), await check(repository, { data: half, seed: 3 })];
  expect(twice[0]?.stats).toEqual(twice[1]?.stats);
  expect(twice[0]?.stats.packsRead).toBe(Math.floor(names.length / 2));
});

test('the index that was checked is the one that is used on', async () => {
  const repository = await setUp();
  const backend = openMemoryBackend();
  for (const name of await objectNames(repository.backend))
    await backend.put(ctx, name, await repository.backend.get(ctx, name));
  await check(repository);
  expect((await repository.index(ctx)).packCount).toBe((await objectNames(backend, 'data/')).length);
});
