import {
  openSync,
  closeSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { loadPosix, type Posix } from './posix.ts';

function posix(): Posix {
  const found = loadPosix();
  expect(found).toBeDefined();
  return found!;
}

test('times are set to the nanosecond, before 1970 too, and of the link itself', async () => {
  await using dir = await tempDir();
  writeFileSync(dir.join('file'), '');
  symlinkSync('file', dir.join('link'));
  const before = lstatSync(dir.join('file'), { bigint: true }).mtimeNs;
  posix().setTimes(Buffer.from(dir.join('link')), -1n, 1_700_000_000_123_456_789n);
  expect(lstatSync(dir.join('link'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
  expect(lstatSync(dir.join('link'), { bigint: true }).atimeNs).toBe(-1n);
  expect(statSync(dir.join('link'), { bigint: true }).mtimeNs).toBe(before);
  expect(readlinkSync(dir.join('link'))).toBe('file');
});

test('extended attributes are set, listed, read and removed, also long ones', async () => {
  await using dir = await tempDir();
  const path = Buffer.from(dir.join('file'));
  writeFileSync(path, '');
  posix().setXattr(path, Buffer.from('user.short'), Buffer.from([0, 255]));
  posix().setXattr(path, Buffer.from('user.long'), Buffer.alloc(3000, 7));
  posix().setXattr(path, Buffer.from('user.empty'), Buffer.alloc(0));
  expect(posix().listXattrs(path).map(String).toSorted()).toEqual(['user.empty', 'user.long', 'user.short']);
  expect(posix().getXattr(path, Buffer.from('user.short'))).toEqual(Buffer.from([0, 255]));
  expect(posix().getXattr(path, Buffer.from('user.long'))).toEqual(Buffer.alloc(3000, 7));
  expect(posix().getXattr(path, Buffer.from('user.empty'))).toHaveLength(0);
  posix().removeXattr(path, Buffer.from('user.long'));
  expect(() => posix().getXattr(path, Buffer.from('user.long'))).toThrow(expect.objectContaining({ code: 'ENODATA' }));
});

test('failures look like those of node:fs', () => {
  const call = () => posix().listXattrs(Buffer.from('/there/is/no/such/file'));
  expect(call).toThrow(expect.objectContaining({ code: 'ENOENT', errno: -2, syscall: 'llistxattr' }));
});

test('a fifo is made, and a file system is synced', async () => {
  await using dir = await tempDir();
  posix().makeNode(Buffer.from(dir.join('fifo')), 0o010640, 0n);
  expect(lstatSync(dir.join('fifo')).isFIFO()).toBe(true);
  const fd = openSync(dir.join('file'), 'w');
  posix().startWriteback(fd, 0, 4096);
  posix().syncFileSystem(fd);
  closeSync(fd);
  expect(() => posix().syncFileSystem(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

rootOnly('a device is made', async () => {
  await using dir = await tempDir();
  posix().makeNode(Buffer.from(dir.join('null')), 0o020600, 259n);
  expect(lstatSync(dir.join('null')).rdev).toBe(259);
});

test('a lock is held by one open file until it is closed', async () => {
  await using dir = await tempDir();
  const [first, second] = [openSync(dir.path, 'r'), openSync(dir.path, 'r')];
  expect(posix().tryLock(first)).toBe(true);
  expect(posix().tryLock(second)).toBe(false);
  closeSync(first);
  expect(posix().tryLock(second)).toBe(true);
  closeSync(second);
});

test('it is known whether anybody has a file open for writing', async () => {
  await using dir = await tempDir();
  writeFileSync(dir.join('file'), '');
  const writer = openSync(dir.join('file'), 'a');
  const reader = openSync(dir.join('file'), 'r');
  expect(posix().isOpenForWriting(reader)).toBe(true);
  closeSync(writer);
  expect(posix().isOpenForWriting(reader)).toBe(false);
  closeSync(openSync(dir.join('file'), 'a')); // no lease was left that would delay it
  closeSync(reader);
});

test('the beginning of a file becomes a hole, and goes', async () => {
  await using dir = await tempDir({ on: 'disk' });
  writeFileSync(dir.join('file'), Buffer.concat([Buffer.alloc(8192, 1), Buffer.from('rest')]));
  const fd = openSync(dir.join('file'), 'r+');
  expect(posix().findData(fd, 0)).toBe(0);
  posix().punchHole(fd, 0, 8192);
  expect(posix().findData(fd, 0)).toBe(8192);
  expect(statSync(dir.join('file')).size).toBe(8196);
  posix().collapseRange(fd, 0, 8192);
  expect(readFileSync(dir.join('file'), 'utf8')).toBe('rest');
  expect(() => posix().findData(fd, 4)).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  closeSync(fd);
});

test('a file is renamed only to a name that is free', async () => {
  await using dir = await tempDir();
  const [from, to] = [Buffer.from(dir.join('from')), Buffer.from(dir.join('to'))];
  writeFileSync(from, 'from');
  writeFileSync(to, 'to');
  expect(() => posix().renameExclusive(from, to)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  unlinkSync(to);
  posix().renameExclusive(from, to);
  expect(readFileSync(to, 'utf8')).toBe('from');
  expect(lstatSync(from, { throwIfNoEntry: false })).toBeUndefined();
});
