import { mkdirSync, rmdirSync, statSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadPosix } from '../base/posix.ts';
import { tempDir } from '../testing/tempDir.ts';
import { createDirectories, finishDirectories } from './directories.ts';
import type { Attributes } from './restorePlan.ts';
import { createSpecials } from './specialFiles.ts';

const attributes: Attributes = { mode: 0o777, uid: 1234, gid: 1234, mtimeNs: 0n, atimeNs: 0n };
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test('a link that somebody puts in the place of a restored directory is not followed', async () => {
  await using dir = await tempDir();
  mkdirSync(dir.join('outside'), { mode: 0o700 });
  const path = dir.join('restored');
  const directories = [{ path, exists: false, attributes }];
  createDirectories(directories);
  rmdirSync(path);
  symlinkSync(dir.join('outside'), path);
  const finishing = () => finishDirectories(directories, { posix: loadPosix(), ownerOf: () => own });
  expect(finishing).toThrow(expect.objectContaining({ code: 'destination-io' }));
  expect(statSync(dir.join('outside'))).toMatchObject({ mode: 0o040700, ...own });
});

test('a link that somebody puts in the place of a restored fifo is not followed', async () => {
  await using dir = await tempDir();
  mkdirSync(dir.join('outside'), { mode: 0o700 });
  const node = { ...attributes, mode: 2 ** 25 + 0o666, ctimeNs: 0n, type: 'fifo', name: Buffer.from('fifo') } as const;
  const special = { path: dir.join('fifo'), attributes, node, exists: false };
  const posix = { ...loadPosix()!, makeNode: (path: Buffer) => symlinkSync(dir.join('outside'), path) };
  const creating = () => createSpecials([special], { posix, ownerOf: () => own });
  expect(creating).toThrow(expect.objectContaining({ code: 'destination-io' }));
  expect(statSync(dir.join('outside')).mode).toBe(0o040700);
});
