import * as fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { tempDir } from '../../testing/tempDir.ts';
import { LocalPackSink, packObjectName } from './packSink.ts';

vi.mock('node:fs', async (importOriginal) => ({ ...(await importOriginal<typeof fs>()) }));

const pack = { id: 'ab'.repeat(32), bytes: randomBytes(300_000) };
const name = packObjectName(pack.id);

const filesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => !statSync(`${path}/${file}`).isDirectory());

test('a pack is written whole, read-only, into a directory made for it', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '', { mode: 0o600 });
  await new LocalPackSink(directory.path).put(pack);
  expect(readFileSync(directory.join(name)).equals(pack.bytes)).toBe(true);
  expect(statSync(directory.join(name)).mode & 0o777).toBe(0o400);
  expect(statSync(directory.join('data/ab')).mode & 0o777).toBe(0o700);
  expect(filesIn(directory.path).toSorted()).toEqual(['config', name]);
});

test('the group may read packs when it may read config', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '');
  chmodSync(directory.join('config'), 0o640);
  await new LocalPackSink(directory.path).put(pack);
  expect(statSync(directory.join(name)).mode & 0o777).toBe(0o440);
});

test.runIf(process.geteuid?.() === 0)('a pack that root writes belongs to the owner of the repository', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '');
  chownSync(directory.path, 65_533, 65_532);
  await new LocalPackSink(directory.path).put(pack);
  for (const path of ['data', 'data/ab', name])
    expect(statSync(directory.join(path))).toMatchObject({ uid: 65_533, gid: 65_532 });
});

test('below the mount point of a disk that is away nothing is created', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '');
  const sink = new LocalPackSink(directory.path);
  rmSync(directory.join('config'));
  await expect(sink.put(pack)).rejects.toMatchObject({ code: 'backend-unavailable', hint: 'was its disk unmounted?' });
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a pack that may not be durable is taken away again', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '');
  const sink = new LocalPackSink(directory.path);
  await sink.put({ ...pack, id: `${'ab'.repeat(31)}cd` });
  const { fstatSync } = fs;
  const { fsync } = await vi.importActual<typeof fs>('node:fs');
  vi.resetModules();
  using _ = vi.spyOn(fs, 'fsync').mockImplementation((fd, done) => {
    const isDirectory = fstatSync(fd).isDirectory();
    fsync(fd, (error) => done(isDirectory ? Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 }) : error));
  });
  const reloaded = await import('./packSink.ts');
  const failing = new reloaded.LocalPackSink(directory.path);
  await expect(failing.put(pack)).rejects.toMatchObject({ code: 'backend-io' });
  expect(filesIn(directory.path).toSorted()).toEqual(['config', `data/ab/${'ab'.repeat(31)}cd`]);
});
