import * as fs from 'node:fs';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { tempDir } from '../testing/tempDir.ts';
import { writeFileAtomic } from './atomicFile.ts';

vi.mock('node:fs', async (importOriginal) => ({ ...(await importOriginal<typeof fs>()) }));

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: planned`), { code, errno: -5, syscall: 'close' });
}

test('a file whose closing fails is reported, leaves nothing behind, and its number is closed once', async () => {
  await using directory = await tempDir();
  const closed: number[] = [];
  const { closeSync } = await vi.importActual<typeof fs>('node:fs');
  using _ = vi.spyOn(fs, 'closeSync').mockImplementation((fd) => {
    closed.push(fd);
    closeSync(fd);
    throw failure('EIO');
  });
  expect(() => writeFileAtomic(directory.join('a'), Buffer.from('content'))).toThrow('EIO');
  expect(closed).toHaveLength(1);
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a failed write is the error that is reported, also when closing fails after it', async () => {
  await using directory = await tempDir();
  using _ = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw failure('ENOSPC');
  });
  const { closeSync } = await vi.importActual<typeof fs>('node:fs');
  using __ = vi.spyOn(fs, 'closeSync').mockImplementation((fd) => {
    closeSync(fd);
    throw failure('EIO');
  });
  expect(() => writeFileAtomic(directory.join('a'), Buffer.from('content'))).toThrow('ENOSPC');
  expect(readdirSync(directory.path)).toEqual([]);
});

test('what is written replaces the old file as a whole, or refuses to', async () => {
  await using directory = await tempDir();
  writeFileAtomic(directory.join('a'), [Buffer.from('one '), Buffer.from('two')]);
  writeFileAtomic(directory.join('a'), Buffer.from('three'));
  expect(readFileSync(directory.join('a'), 'utf8')).toBe('three');
  expect(() => writeFileAtomic(directory.join('a'), Buffer.from('four'), { exclusive: true })).toThrow('EEXIST');
  expect(readdirSync(directory.path)).toEqual(['a']);
});
