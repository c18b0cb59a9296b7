import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createContext } from '../base/context.ts';
import { needs } from '../testing/needs.ts';
import { restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { openLocalBackend } from './local.ts';

const ctx = createContext();

/** Path and permission bits of everything in a directory. */
function modes(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => `${(lstatSync(`${root}/${path}`).mode & 0o777).toString(8)} ${path}`)
    .sort();
}

needs('restic')(
  'a stock repository carried over object by object is the same, and stock restic accepts it',
  async () => {
    await using directory = await tempDir();
    const [stock, ours] = [directory.join('stock'), directory.join('ours')];
    await restic(stock, 'password').run('init');
    mkdirSync(directory.join('files'));
    for (const name of ['a', 'b', 'c']) writeFileSync(directory.join('files', name), name.repeat(10_000));
    await restic(stock, 'password').run('backup', directory.join('files'));

    const from = openLocalBackend(stock);
    const to = openLocalBackend(ours, { create: true });
    for await (const { name } of from.list(ctx, ''))
      await to.put(ctx, name, await from.get(ctx, name), { ifAbsent: true });

    expect(modes(ours)).toEqual(modes(stock));
    await to.put(ctx, 'wal/7/1/segment', Buffer.from('ours'));
    expect(await restic(ours, 'password').run('check', '--read-data')).toContain('no errors were found');
  },
);
