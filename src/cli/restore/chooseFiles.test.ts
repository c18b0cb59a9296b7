import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { applyRestore } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import { backUpFiles } from '../../testing/filesBackups.ts';
import { newRepository } from '../../testing/repositories.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { backUp as backUpForeign } from '../../testing/testSnapshots.ts';
import { chooseFiles, chooseSnapshot } from './chooseFiles.ts';

const ctx = createContext();

function backUp(repository: Repository, source: string, paths: readonly string[]) {
  return backUpFiles(repository, { source, paths });
}

test('latest without a source is the newest snapshot of files, and refused when there are several sources', async () => {
  await using dir = await tempDir();
  writeFileSync(dir.join('file'), 'x');
  const repository = await newRepository();
  const foreign = await backUpForeign(ctx, repository, { files: { a: Buffer.from('a') } });
  const choose = (text: string, path = '', source?: string) => chooseSnapshot(ctx, repository, { text, path, source });
  expect((await choose('latest')).id).toBe(foreign.id);
  const one = (await backUp(repository, 'one', [dir.join('file')])).snapshot;
  const later = await backUpForeign(ctx, repository, { files: { b: Buffer.from('b') } });
  expect((await choose('latest')).id).toBe(one.id);
  expect((await choose('latest', 'data/b')).id).toBe(later.id);
  await backUp(repository, 'two', [dir.join('file')]);
  await expect(choose('latest')).rejects.toMatchObject({ code: 'usage', hint: 'say --source: one, two' });
  expect((await choose('latest', '', 'one')).id).toBe(one.id);
  expect((await choose(one.id.slice(0, 10))).id).toBe(one.id);
});

test('directories that were only on the way to the paths of a source keep their modes in place', async () => {
  await using dir = await tempDir();
  for (const name of ['a/app', 'b/app']) {
    mkdirSync(dir.join(name), { recursive: true });
    writeFileSync(dir.join(name, 'file'), name);
  }
  const repository = await newRepository();
  const { snapshot, record } = await backUp(repository, 'apps', [dir.join('a/app'), dir.join('b/app')]);
  expect(record.base).toBe(dir.path);
  for (const name of ['', 'a', 'b', 'a/app']) chmodSync(dir.join(name), 0o711);
  const chosen = await chooseFiles(ctx, repository, { snapshot, path: '', patterns: [dir.join('a')] });
  expect(chosen.origin).toBe(dir.path);
  const plan = await planRestore(ctx, repository, {
    treeId: snapshot.tree,
    subPath: chosen.path,
    destination: dir.path,
    existing: 'overwrite',
    ...chosen.selection,
  });
  expect(plan.files.map(({ relative }) => relative)).toEqual(['a/app/file']);
  await applyRestore(ctx, repository, plan, { threads: 0, fsync: false });
  const modes = ['', 'a', 'b', 'a/app'].map((name) => (statSync(dir.join(name)).mode & 0o777).toString(8));
  expect(modes).toEqual(['711', '711', '711', '755']);
});
