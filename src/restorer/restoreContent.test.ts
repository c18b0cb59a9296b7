import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { needs } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { applyRestore } from './applyRestore.ts';
import { ctx, newRepository, storeTree } from './fixture/builtSnapshot.ts';
import { planRestore } from './planRestore.ts';

const block = 65_536;

/** A large file of blocks, some of them zeros, some equal, with an end that is not aligned. */
function blocksOf(count: number): Buffer[] {
  const shared = randomBytes(block);
  const kinds = [() => randomBytes(block), () => shared, () => Buffer.alloc(block), () => Buffer.alloc(block, 'text ')];
  const blocks = Array.from({ length: count }, (_, index) =>
    kinds[index % 7 === 3 ? 2 : index % 5 === 4 ? 1 : index % 3]!(),
  );
  return [...blocks, randomBytes(777)];
}

test.each([0, 1, 2])(
  'large files are written past the page cache and through it, durably and not, %i threads',
  async (threads) => {
    await using dir = await tempDir();
    const repository = await newRepository(dir.path);
    const contents = {
      large: blocksOf(300),
      other: [...blocksOf(100), ...blocksOf(50)],
      huge: [randomBytes(3_000_000), randomBytes(block)],
    };
    const treeId = await storeTree(repository, contents);
    for (const fsync of [true, false]) {
      const destination = dir.join(`out ${fsync}`);
      const plan = await planRestore(ctx, repository, { treeId, destination, existing: 'refuse' });
      await applyRestore(ctx, repository, plan, { threads, fsync });
      for (const [name, blocks] of Object.entries(contents)) {
        expect(readFileSync(`${destination}/${name}`).equals(Buffer.concat(blocks))).toBe(true);
      }
      const { blocks, size } = statSync(`${destination}/large`);
      expect(blocks * 512).toBeLessThan(size * 0.8);
    }
  },
);

test('whatever an existing file holds, a delta restore makes it right and fetches no more than it must', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const chunks = Array.from({ length: 12 }, (_, index) =>
    index % 4 === 0 ? Buffer.alloc(3000) : randomBytes(1000 + 900 * index),
  );
  const whole = Buffer.concat(chunks);
  const treeId = await storeTree(repository, { file: chunks });
  const out = dir.join('out');
  mkdirSync(out);
  const change = fc.record({ at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 2000 }) });
  const size = fc.integer({ min: 0, max: whole.length + 5000 });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 4 }), size, async (changes, sizeBytes) => {
      const existing = Buffer.concat([whole, Buffer.alloc(5000, 1)]);
      for (const { at, bytes } of changes) existing.set(bytes, at);
      writeFileSync(`${out}/file`, existing.subarray(0, sizeBytes));
      const plan = await planRestore(ctx, repository, { treeId, destination: out, existing: 'delta' });
      const result = await applyRestore(ctx, repository, plan, { threads: 0, fsync: false });
      expect(readFileSync(`${out}/file`).equals(whole)).toBe(true);
      let offset = 0;
      let different = 0;
      for (const chunk of chunks) {
        const held = existing.subarray(0, sizeBytes).subarray(offset, offset + chunk.length);
        if (!held.equals(chunk)) different += chunk.length;
        offset += chunk.length;
      }
      expect(result.fetchedBytes).toBe(different);
    }),
    { numRuns: 60 },
  );
});

test('an abort in the middle stops the threads', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const treeId = await storeTree(repository, { large: blocksOf(200) });
  const plan = await planRestore(ctx, repository, { treeId, destination: dir.join('out'), existing: 'refuse' });
  const aborting = new AbortController();
  const progress = {
    phase: (name: string) => void (name === 'restoring files' && aborting.abort(new Error('stopped here'))),
    advance: () => undefined,
    note: () => undefined,
  };
  const restoring = applyRestore(createContext({ signal: aborting.signal }), repository, plan, {
    threads: 2,
    progress,
  });
  await expect(restoring).rejects.toMatchObject({ code: 'interrupted' });
});

needs('root', 'mount')('a full destination is told as such', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const treeId = await storeTree(repository, { large: Array.from({ length: 80 }, () => randomBytes(block)) });
  const small = dir.join('small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small]);
  try {
    const plan = await planRestore(ctx, repository, { treeId, destination: small, existing: 'refuse' });
    for (const threads of [0, 2]) {
      const restoring = applyRestore(ctx, repository, plan, { threads });
      await expect(restoring).rejects.toMatchObject({
        code: 'destination-full',
        hint: expect.stringContaining('--delta'),
      });
      rmSync(`${small}/large`);
    }
  } finally {
    execFileSync('umount', [small]);
  }
});

needs('root', 'mount')('a read-only destination is told as such', async () => {
  await using dir = await tempDir();
  const repository = await newRepository(dir.path);
  const treeId = await storeTree(repository, { file: [randomBytes(10)] });
  const path = dir.join('read-only');
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', path]);
  try {
    const plan = await planRestore(ctx, repository, { treeId, destination: path, existing: 'refuse' });
    const restoring = applyRestore(ctx, repository, plan, { threads: 0 });
    await expect(restoring).rejects.toMatchObject({
      code: 'destination-io',
      hint: expect.stringContaining('read-only'),
    });
  } finally {
    execFileSync('umount', [path]);
  }
});
