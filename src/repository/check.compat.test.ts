import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { openLocalBackend } from '../backend/local.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { createStockRepository } from '../testing/stockRepository.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { needs } from '../testing/needs.ts';
import { restic } from '../testing/restic.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { checkRepository } from './check.ts';
import { newLocalRepository, passwordText } from '../testing/repositories.ts';
import { backUp } from '../testing/testSnapshots.ts';
import { Repository } from './repository.ts';

const ctx = createContext();
const compat = needs('restic');
const stockPassword = 'secret';

let directory: TempDir;
beforeAll(async () => {
  directory = await tempDir();
});
afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

/** A repository with two snapshots written by stock restic, made once. */
async function stockRepository(): Promise<string> {
  const path = directory.join('stock');
  if (readdirSync(directory.path).includes('stock')) return path;
  mkdirSync(path);
  const { restic: stock } = createStockRepository(path);
  const source = directory.join('source');
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'random'), randomBytes(3_000_000));
  writeFileSync(join(source, 'sub/text'), 'some text\n'.repeat(10_000));
  writeFileSync(join(source, 'empty'), '');
  await stock.run('backup', source);
  appendFileSync(join(source, 'sub/text'), randomBytes(50_000));
  await stock.run('backup', source);
  return path;
}

async function ourErrors(path: string, password = stockPassword): Promise<string[]> {
  const repository = await Repository.open(ctx, openLocalBackend(path), { password: new Secret(password) });
  const report = await checkRepository(ctx, repository, { references: snapshotReferences, data: { kind: 'all' } });
  return report.errors.map(({ object, problem }) => `${object}: ${problem}`);
}

/** Paths of the objects below a folder, the largest first. */
function objects(path: string, folder: string): string[] {
  return readdirSync(join(path, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, folder, name))
    .filter((name) => statSync(name).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size);
}

function rewrite(file: string, to: (bytes: Buffer) => Buffer): void {
  chmodSync(file, 0o600);
  writeFileSync(file, to(readFileSync(file)));
}

function flipped(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const place = at < 0 ? bytes.length + at : at;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 4, place);
    return bytes;
  };
}

const damages: readonly (readonly [string, string, (file: string) => void])[] = [
  ['a flipped byte in a data pack', 'data', (file) => rewrite(file, flipped(1000))],
  ['a flipped byte in a header', 'data', (file) => rewrite(file, flipped(-30))],
  ['a header length that is wrong', 'data', (file) => rewrite(file, flipped(-4))],
  ['a truncated pack', 'data', (file) => rewrite(file, (bytes) => bytes.subarray(0, -100))],
  ['a pack with something behind it', 'data', (file) => appendFileSyncWritable(file)],
  ['an empty pack', 'data', (file) => rewrite(file, () => Buffer.alloc(0))],
  ['a missing pack', 'data', (file) => rmSync(file)],
  ['a flipped byte in an index', 'index', (file) => rewrite(file, flipped(50))],
  ['a missing index', 'index', (file) => rmSync(file)],
  ['a flipped byte in a snapshot', 'snapshots', (file) => rewrite(file, flipped(50))],
  ['a truncated snapshot', 'snapshots', (file) => rewrite(file, (bytes) => bytes.subarray(0, 40))],
];

function appendFileSyncWritable(file: string): void {
  chmodSync(file, 0o600);
  appendFileSync(file, 'more');
}

describe('what stock check finds in stock restic’s repository, ours finds too', () => {
  for (const [index, [name, folder, damage]] of damages.entries()) {
    compat(name, async () => {
      const path = directory.join(`damaged-${index}`);
      cpSync(await stockRepository(), path, { recursive: true });
      const [victim = ''] = objects(path, folder);
      damage(victim);
      // stock restic tries for 43 seconds to read a pack of which nothing is there
      const readData = (statSync(victim, { throwIfNoEntry: false })?.size ?? 0) > 0 ? ['--read-data'] : [];
      const stock = await restic(path, stockPassword).attempt('check', ...readData);
      expect(stock.status).not.toBe(0);
      const errors = await ourErrors(path);
      expect(errors).not.toEqual([]);
      if (!name.endsWith('index')) expect(errors.join('\n')).toContain(basename(victim));
    });
  }
});

compat('a sound repository of stock restic’s is sound for us, and left as it is', async () => {
  const path = await stockRepository();
  const before = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  expect(await ourErrors(path)).toEqual([]);
  expect(readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()).toEqual(before);
});

compat('a sound repository of ours is sound for stock restic', async () => {
  const path = directory.join('ours');
  const repository = await newLocalRepository(path);
  await backUp(ctx, repository, {
    files: { a: randomBytes(500_000), b: Buffer.alloc(100_000, 'b'), c: Buffer.alloc(0) },
  });
  expect(await ourErrors(path, passwordText)).toEqual([]);
  expect(await restic(path, passwordText).run('check', '--read-data')).toContain('no errors were found');
});
