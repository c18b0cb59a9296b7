import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadPosix } from '../../base/posix.ts';
import { createContext } from '../../base/context.ts';
import { applyRestore } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import { backUpFiles } from '../../testing/filesBackups.ts';
import { newRepository } from '../../testing/repositories.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { compareRestored } from './compareRestored.ts';

test('whatever is not on the disk as in the snapshot is named', async () => {
  const ctx = createContext();
  await using dir = await tempDir({ on: 'disk' });
  const app = dir.join('app');
  mkdirSync(app);
  for (const name of ['mode', 'time', 'gone', 'kind', 'first', 'note', 'same']) writeFileSync(`${app}/${name}`, name);
  linkSync(`${app}/first`, `${app}/second`);
  symlinkSync('same', `${app}/link`);
  mkdirSync(`${app}/directory`);
  loadPosix()?.setXattr(Buffer.from(`${app}/note`), Buffer.from('user.note'), Buffer.from('one'));
  const repository = await newRepository();
  const { snapshot } = await backUpFiles(repository, { paths: [app] });

  const destination = dir.join('restored');
  const subPath = `/app/files${app}`;
  const plan = await planRestore(ctx, repository, { treeId: snapshot.tree, subPath, destination, existing: 'refuse' });
  const { refused } = await applyRestore(ctx, repository, plan, { threads: 0 });
  const owners = process.getuid?.() === 0;
  expect(compareRestored({ plan, refused, owners })).toMatchObject({ status: 'passed', detail: [] });

  const at = (name: string): string => `${destination}/${name}`;
  chmodSync(at('mode'), 0o700);
  utimesSync(at('time'), 1, 1);
  rmSync(at('gone'));
  rmSync(at('kind'));
  mkdirSync(at('kind'));
  rmSync(at('directory'), { recursive: true });
  writeFileSync(at('directory'), '');
  writeFileSync(at('other'), 'first');
  renameSync(at('other'), at('second'));
  rmSync(at('link'));
  symlinkSync('elsewhere', at('link'));
  loadPosix()?.setXattr(Buffer.from(at('note')), Buffer.from('user.note'), Buffer.from('two'));
  const { status, detail = [] } = compareRestored({ plan, refused, owners });
  expect(status).toBe('failed');
  for (const line of [
    'mode: its mode is 700, in the snapshot 644',
    'time: its time is 1000000000, in the snapshot ',
    'gone: it is not there',
    'kind: it is no file',
    'directory: it is no directory',
    `second: it is no other name of ${at('first')}`,
    'link: it leads elsewhere',
    'note: its attribute user.note is not that in the snapshot',
  ]) {
    expect(detail.join('\n')).toContain(`${destination}/${line}`);
  }
  expect(detail.join('\n')).not.toContain('/same:');

  expect(
    compareRestored({
      plan: { ...plan, files: [], specials: [], hardLinks: [], directories: [] },
      refused: ['a device'],
      owners,
    }),
  ).toMatchObject({
    status: 'warning',
    detail: ['a device'],
    hint: expect.stringContaining(owners ? 'file system' : 'as root'),
  });
});
