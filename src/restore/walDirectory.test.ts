import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tempDir } from '../testing/tempDir.ts';
import { linkedWalDirectory } from './walDirectory.ts';

test.each(['notes.txt', '.ssh', '16384', 'base'])('a pg_wal that leads to where %s lies is refused', async (name) => {
  await using root = await tempDir();
  for (const directory of ['data', 'elsewhere', `elsewhere/${name}`]) mkdirSync(root.join(directory));
  writeFileSync(root.join('elsewhere/000000010000000000000001'), '');
  symlinkSync(root.join('elsewhere'), root.join('data/pg_wal'));
  expect(() => linkedWalDirectory(root.join('data'), 'delta')).toThrow(
    expect.objectContaining({ code: 'destination-not-empty', detail: expect.objectContaining({ entry: name }) }),
  );
});

test('a pg_wal that leads to WAL, or nowhere yet, stays a link; a relative one begins where the directory really is', async () => {
  await using root = await tempDir();
  const real = realpathSync(root.path);
  for (const directory of ['disk', 'disk/data']) mkdirSync(root.join(directory));
  symlinkSync('../wal', root.join('disk/data/pg_wal'));
  symlinkSync(root.join('disk/data'), root.join('data'));
  expect(linkedWalDirectory(root.join('data'), 'delta')).toBe(`${real}/disk/wal`);
  for (const directory of ['archive_status', 'summaries', 'lost+found', 'understudy-restore'])
    mkdirSync(root.join(`disk/wal/${directory}`), { recursive: true });
  const segment = '000000010000000000000001';
  for (const name of [segment, `${segment}.partial`, `${segment}.00000028.backup`, '00000002.history', 'xlogtemp.7'])
    writeFileSync(root.join(`disk/wal/${name}`), '');
  expect(linkedWalDirectory(root.join('data'), 'overwrite')).toBe(`${real}/disk/wal`);
  expect(linkedWalDirectory(root.join('data'), 'refuse')).toBeUndefined();
});
