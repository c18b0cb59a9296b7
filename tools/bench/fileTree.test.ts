import { readdirSync } from 'node:fs';
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type TempDir, tempDir } from '../../src/testing/tempDir.ts';
import { damagePages } from './damagePages.ts';
import { relationDifferences, treeBytes } from './fileTree.ts';

const page = 8192;

/** Something like a data directory: relation files of 40 and 25 pages, and a file that is none. */
async function dataDirectory(): Promise<TempDir> {
  const directory = await tempDir();
  for (const name of ['base/5', 'global']) await mkdir(directory.join(name), { recursive: true });
  await writeFile(directory.join('base/5/16384'), Buffer.alloc(40 * page, 7));
  await writeFile(directory.join('base/5/16384_vm'), Buffer.alloc(25 * page, 8));
  await writeFile(directory.join('global/pg_control'), String(Math.random()));
  return directory;
}

test('equal relation files are equal; what belongs to the running server does not matter', async () => {
  await using source = await dataDirectory();
  await using copy = await dataDirectory();
  expect(relationDifferences(source.path, copy.path)).toEqual([]);
  expect(treeBytes(source.join('base'))).toBe(65 * page);
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  for (let n = 0; n < 20; n++) relationDifferences(source.path, copy.path);
  expect(openFiles()).toBeLessThan(before + 10);
});

test('a changed page, a short file and a missing one are found', async () => {
  await using source = await dataDirectory();
  await using copy = await dataDirectory();
  damagePages(copy.path, 1);
  expect(relationDifferences(source.path, copy.path)).toHaveLength(1);
  await truncate(copy.join('base/5/16384'), 39 * page);
  await rm(copy.join('base/5/16384_vm'));
  expect(relationDifferences(source.path, copy.path)).toEqual(['base/5/16384 differs', 'base/5/16384_vm is missing']);
  expect(relationDifferences(copy.path, source.path)).toContain('base/5/16384_vm is not in the source');
});

test('a tree is counted once, whatever links into it', async () => {
  await using directory = await dataDirectory();
  const before = treeBytes(directory.path);
  await symlink(directory.join('base'), directory.join('latest'));
  expect(treeBytes(directory.path)).toBe(before);
});
