import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openMemoryBackend } from '../backend/memory.ts';
import { BlobList } from '../snapshot/blobList.ts';
import { dumpFile } from './dumpFile.ts';
import { ctx, initRepository, storeTree } from './fixture/builtSnapshot.ts';

const idOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('the content of a file comes in order, with blobs used again and with a slow reader', async () => {
  const repository = await initRepository(openMemoryBackend());
  const chunks = Array.from({ length: 20 }, (_, index) => randomBytes(100 + index));
  await storeTree(repository, { file: chunks });
  const order = [...chunks, chunks[3]!, ...chunks.toReversed()];
  const written: Buffer[] = [];
  let writing = false;
  const write = async (bytes: Buffer) => {
    expect(writing).toBe(false);
    writing = true;
    await new Promise((resolve) => setImmediate(resolve));
    written.push(bytes);
    writing = false;
  };
  await dumpFile(ctx, repository, { content: BlobList.fromHex(order.map(idOf)), write });
  expect(Buffer.concat(written).equals(Buffer.concat(order))).toBe(true);
  await dumpFile(ctx, repository, { content: BlobList.empty, write: () => expect.unreachable() });
});

test('a blob that is missing ends the dump with an error, after what comes before it', async () => {
  const repository = await initRepository(openMemoryBackend());
  const good = randomBytes(100);
  await storeTree(repository, { file: [good] });
  const content = BlobList.fromHex([idOf(good), 'ab'.repeat(32), idOf(good)]);
  const written: Buffer[] = [];
  const dumping = dumpFile(ctx, repository, { content, write: (bytes) => void written.push(bytes) });
  await expect(dumping).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(written).toEqual([good]);
});
