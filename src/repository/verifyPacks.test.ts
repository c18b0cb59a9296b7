import { hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { tempDir } from '../testing/tempDir.ts';
import type { BlobProblem } from './blobConsumer.ts';
import { putIndex, putPack, type RawBlob } from './fixture/rawPacks.ts';
import { newLocalRepository, newRepository } from '../testing/repositories.ts';
import type { IndexedPack } from './index/indexDocument.ts';
import type { Repository } from './repository.ts';
import { verifyPacks } from './verifyPacks.ts';

const ctx = createContext();
const data = (text: string): RawBlob => ({ type: 'data', plain: Buffer.from(text.repeat(50)) });
const nameOf = ({ id }: IndexedPack) => `data/${id.slice(0, 2)}/${id}`;

async function problemsOf(repository: Repository, packIds?: readonly string[]): Promise<readonly BlobProblem[]> {
  return (await verifyPacks(ctx, repository, { threads: 0, ...(packIds === undefined ? {} : { packIds }) })).problems;
}

test.each([0, 1, 2])('good packs of all kinds pass, in slices and in %i threads', async (threads) => {
  await using dir = await tempDir();
  const repository = await newLocalRepository(dir.join('repository'));
  const large = Array.from({ length: 40 }, () => ({
    type: 'data' as const,
    plain: Buffer.alloc(2_000_000, randomBytes(999)),
  }));
  const packs = [
    await putPack(repository, large),
    await putPack(repository, [data('a'), { ...data('b'), compressed: false }, data('a')]),
    await putPack(repository, [{ type: 'tree', plain: Buffer.from('{"nodes":[]}\n') }, data('mixed')]),
    await putPack(repository, [data('a')]), // a duplicate, in a pack of its own
  ];
  await putIndex(repository, packs);
  const result = await verifyPacks(ctx, repository, { threads });
  expect(result).toMatchObject({ packs: 4, problems: [] });
  expect(result.bytes).toBe(40 * 2_000_000 + 50 * 4 + 13 + 50 * 5);
});

test('the same over storage that is no local directory, and of a chosen pack only', async () => {
  const repository = await newRepository();
  const good = await putPack(repository, [data('good')]);
  const bad = await putPack(repository, [data('bad'), data('also bad'), data('fine')]);
  await putIndex(repository, [good, bad]);
  expect(await problemsOf(repository)).toEqual([]);
  const bytes = await repository.backend.get(ctx, nameOf(bad));
  for (const { offset, length } of bad.blobs.slice(0, 2)) bytes[offset + length - 20]! ^= 1;
  await repository.backend.put(ctx, nameOf(bad), bytes);
  expect(await problemsOf(repository, [good.id])).toEqual([]);
  const tag = 'sealed data is damaged: its authentication tag does not match';
  expect(await problemsOf(repository, [bad.id])).toEqual([
    { object: nameOf(bad), problem: 'its content does not match its name' },
    { object: nameOf(bad), problem: tag, blob: bad.blobs[0]!.id.toString('hex') },
    { object: nameOf(bad), problem: tag, blob: bad.blobs[1]!.id.toString('hex') },
  ]);
  await repository.backend.put(ctx, nameOf(bad), bytes.subarray(0, 10));
  expect(await problemsOf(repository, [bad.id])).toHaveLength(4);
  await repository.backend.delete(ctx, nameOf(bad));
  expect(await problemsOf(repository)).toEqual([{ object: nameOf(bad), problem: 'it is missing' }]);
});

test('a blob whose content is not what its id says is found, though everything is authentic', async () => {
  const repository = await newRepository();
  const good = await putPack(repository, [data('x')]);
  const wrong = await putPack(repository, [{ type: 'data', plain: Buffer.from('y') }]);
  // the same bytes under the other id: as a writer with broken memory would leave them
  const { sealer, backend } = repository;
  const plainHeader = Buffer.alloc(41);
  plainHeader[0] = 2;
  plainHeader.writeUInt32LE(wrong.blobs[0]!.length, 1);
  plainHeader.writeUInt32LE(1, 5);
  good.blobs[0]!.id.copy(plainHeader, 9);
  const sealedHeader = sealer.seal(plainHeader);
  const end = Buffer.alloc(4);
  end.writeUInt32LE(sealedHeader.length);
  const body = (await backend.get(ctx, nameOf(wrong))).subarray(0, wrong.blobs[0]!.length);
  const bytes = Buffer.concat([body, sealedHeader, end]);
  const id = hash('sha256', bytes, 'hex');
  await backend.put(ctx, `data/${id.slice(0, 2)}/${id}`, bytes);
  await putIndex(repository, [{ id, blobs: [{ ...wrong.blobs[0]!, id: good.blobs[0]!.id }] }]);
  expect(await problemsOf(repository)).toMatchObject([{ problem: 'the content of a blob does not match its id' }]);
});

test('an index that says something else than the packs is found', async () => {
  const repository = await newRepository();
  const first = await putPack(repository, [data('1'), data('2')]);
  const second = await putPack(repository, [data('3')]);
  const third = await putPack(repository, [data('4')]);
  const [one, two] = first.blobs as [IndexedPack['blobs'][number], IndexedPack['blobs'][number]];
  await putIndex(repository, [
    { id: first.id, blobs: [{ ...one, length: one.length - 1 }, two] },
    { id: second.id, blobs: [] },
    { id: third.id, blobs: [...third.blobs, { ...third.blobs[0]!, id: randomBytes(32) }] },
  ]);
  const found = (await problemsOf(repository)).map(({ object, problem, blob }) => `${object}: ${problem} ${blob}`);
  const expected = [
    `${nameOf(second)}: it holds a blob that no index lists ${second.blobs[0]!.id.toString('hex')}`,
    `${nameOf(first)}: it holds a blob elsewhere than the index says ${one.id.toString('hex')}`,
    `${nameOf(third)}: it lacks blobs that the index locates in it undefined`,
  ];
  expect(new Set(found)).toEqual(new Set(expected));
});
