import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { isOperationError } from '../base/errors.ts';
import type { BlobProblem } from '../repository/blobConsumer.ts';
import type { Repository } from '../repository/repository.ts';
import { verifyPacks } from '../repository/verifyPacks.ts';
import { BlobList } from '../snapshot/blobList.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { applyRestore } from './applyRestore.ts';
import { ctx, newRepository, storeTree, type Described } from './fixture/builtSnapshot.ts';
import { planRestore } from './planRestore.ts';

const sample: Described = {
  first: [randomBytes(60_000), Buffer.alloc(60_000, 'compressible')],
  second: [randomBytes(60_000)],
  third: [Buffer.from('stays good')],
  control: [Buffer.from('last')],
};

interface Damaged {
  readonly dir: TempDir;
  readonly repository: Repository;
  readonly treeId: string;
  /** The pack with the content of `second`. */
  readonly pack: string;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

async function stored(dir: TempDir): Promise<Damaged> {
  const repository = await newRepository(dir.path);
  const treeId = await storeTree(repository, sample);
  const index = await repository.index(ctx);
  const id = createHash('sha256')
    .update((sample['second'] as Buffer[])[0]!)
    .digest('hex');
  const { packId: pack, offset, length } = index.find('data', id)!;
  const path = dir.join('repository/data', pack.slice(0, 2), pack);
  chmodSync(path, 0o600);
  return { dir, repository, treeId, pack, path, offset, length };
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 4;
  writeFileSync(path, bytes);
}

async function restore({ dir, repository, treeId }: Damaged): Promise<readonly BlobProblem[]> {
  const plan = await planRestore(ctx, repository, { treeId, destination: dir.join('out'), existing: 'delta' });
  try {
    await applyRestore(ctx, repository, plan, { threads: 0, last: (path) => path === 'control' });
    return [];
  } catch (error) {
    if (!isOperationError(error, 'repository-damaged')) throw error;
    return error.detail['problems'] as BlobProblem[];
  }
}

/** Every file under its own name is right. */
function expectNothingWrong(out: string, complete: readonly string[]): void {
  for (const name of readdirSync(out)) {
    if (name.endsWith('.understudy-incomplete')) continue;
    expect(readFileSync(`${out}/${name}`).equals(Buffer.concat(sample[name] as Buffer[]))).toBe(true);
  }
  const finished = readdirSync(out).filter((name) => !name.endsWith('.understudy-incomplete'));
  expect(finished.toSorted()).toEqual([...complete].toSorted());
}

test.each([
  ['in the initialisation vector', 0],
  ['in the ciphertext', 1000],
  ['in the tag', 60_031],
])('a flipped bit of a blob %s is found, named, and only its file is missing', async (_, at) => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  flip(damaged.path, damaged.offset + at);
  const problems = await restore(damaged);
  expect(problems).toMatchObject([{ object: `data/${damaged.pack.slice(0, 2)}/${damaged.pack}` }]);
  expect(problems[0]!.blob).toMatch(/^[0-9a-f]{64}$/);
  expectNothingWrong(dir.join('out'), ['first', 'third']);
  expect(readdirSync(dir.join('out'))).toContain('second.understudy-incomplete');

  const { problems: found } = await verifyPacks(ctx, damaged.repository, { threads: 0 });
  expect(found.map(({ blob, problem }) => [blob, problem])).toEqual([
    [undefined, 'its content does not match its name'],
    [problems[0]!.blob, problems[0]!.problem],
  ]);
});

test('a flipped bit in a pack header leaves a restore right, and verification finds it', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  flip(damaged.path, -30);
  expect(await restore(damaged)).toEqual([]);
  expectNothingWrong(dir.join('out'), ['control', 'first', 'second', 'third']);
  const { problems } = await verifyPacks(ctx, damaged.repository, { threads: 0 });
  expect(problems.map(({ problem }) => problem)).toEqual([
    'its content does not match its name',
    'sealed data is damaged: its authentication tag does not match',
  ]);
});

test('a flipped bit in the length of a header, and a wrong name, are found by verification', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  flip(damaged.path, -2);
  const { problems } = await verifyPacks(ctx, damaged.repository, { threads: 0 });
  expect(problems).toMatchObject([{ problem: expect.stringContaining('header length') }]);
  flip(damaged.path, -2);
  expect((await verifyPacks(ctx, damaged.repository, { threads: 2 })).problems).toEqual([]);
});

test('a truncated pack gives what it still has', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  truncateSync(damaged.path, damaged.offset + damaged.length - 1);
  const problems = await restore(damaged);
  expect(problems.length).toBeGreaterThanOrEqual(1);
  for (const { problem } of problems) expect(problem).toContain('ends before');
  const whole = (await verifyPacks(ctx, damaged.repository, { threads: 0 })).problems;
  expect(whole.length).toBeGreaterThan(problems.length);
  expect(existsSync(dir.join('out/second'))).toBe(false);
  expect(existsSync(dir.join('out/control'))).toBe(false);
});

test('a missing pack is named once, and a file that was there before loses its name', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  expect(await restore(damaged)).toEqual([]);
  renameSync(damaged.path, `${damaged.path}.away`);
  writeFileSync(dir.join('out/second'), Buffer.alloc(60_000, 'old'));
  const problems = await restore(damaged);
  expect(problems).toEqual([{ object: `data/${damaged.pack.slice(0, 2)}/${damaged.pack}`, problem: 'it is missing' }]);
  expectNothingWrong(dir.join('out'), ['first', 'third']);
  expect(statSync(dir.join('out/second.understudy-incomplete')).size).toBe(60_000);
  const { problems: found } = await verifyPacks(ctx, damaged.repository, { threads: 0 });
  expect(found).toEqual(problems);
});

test('a file whose blobs no index lists is named, and the others are restored', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  const content = BlobList.fromHex(['ab'.repeat(32)]);
  const treeId = await storeTree(damaged.repository, {
    ...sample,
    fourth: { node: { type: 'file', size: 5n, content } },
  });
  const problems = await restore({ ...damaged, treeId });
  expect(problems).toMatchObject([
    { object: 'index', blob: 'ab'.repeat(32), problem: expect.stringContaining('/fourth') },
  ]);
  expectNothingWrong(dir.join('out'), ['first', 'second', 'third']);
});

test('a directory whose tree is damaged is named, and the rest is restored', async () => {
  await using dir = await tempDir();
  const damaged = await stored(dir);
  const treeId = await storeTree(damaged.repository, {
    ...sample,
    lost: { node: { type: 'dir', mode: 2 ** 31 + 0o755, subtree: 'cd'.repeat(32) } },
  });
  const problems = await restore({ ...damaged, treeId });
  expect(problems).toMatchObject([{ problem: expect.stringContaining('the list of files in lost') }]);
  expect(readdirSync(dir.join('out')).toSorted()).toEqual([
    'control.understudy-incomplete',
    'first',
    'lost',
    'second',
    'third',
  ]);
});
