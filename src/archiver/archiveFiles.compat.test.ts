import { expect } from 'vitest';
import { openLocalBackend } from '../backend/local.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { Repository } from '../repository/repository.ts';
import { Upload } from '../repository/upload.ts';
import { findDirectory } from '../snapshot/findPath.ts';
import { needs } from '../testing/needs.ts';
import { describeDirectory, fillDirectory } from '../testing/ordinaryDirectory.ts';
import { restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { archiveFiles } from './archiveFiles.ts';

const ctx = createContext();
const password = new Secret('test');
process.env['TZ'] = 'UTC'; // stock restic writes times with the local offset

needs('restic')(
  'a directory becomes the very tree that stock restic makes of it, and each sees the other as done',
  async () => {
    await using dir = await tempDir();
    const source = dir.join('source');
    fillDirectory(source);
    const stock = restic(dir.join('repository'), 'test');
    await stock.run('init');
    await stock.run('backup', source);
    const [snapshot] = await stock.json<{ tree: string; id: string }[]>('snapshots');

    const repository = await Repository.open(ctx, openLocalBackend(dir.join('repository')), { password });
    await using upload = await Upload.begin(ctx, repository, { threads: 2 });
    const ours = await archiveFiles(ctx, { repository, upload, paths: [source] });
    const totals = await upload.commit();
    expect(ours.outcome).toBe('complete');
    const load = (at: typeof ctx, id: string) => repository.loadBlob(at, 'tree', id);
    const below = (tree: string) => findDirectory(ctx, load, tree, source);
    expect(await below(ours.treeId)).toBe(await below(snapshot!.tree));
    expect(totals.dataBlobs).toBe(0);
    // the directories above may be touched by others meanwhile; all else is there already
    expect(totals.treeBlobs).toBeLessThanOrEqual(source.split('/').length - 1);
  },
);

needs('restic')('stock restic restores what we archived, and checks it', async () => {
  await using dir = await tempDir();
  const source = dir.join('source');
  fillDirectory(source);
  const repository = await Repository.init(ctx, openLocalBackend(dir.join('repository'), { create: true }), {
    password,
  });
  await using upload = await Upload.begin(ctx, repository, { threads: 1 });
  const archived = await archiveFiles(ctx, { repository, upload, paths: [source] });
  await upload.commit();
  const json = JSON.stringify({
    time: '2026-01-01T00:00:00Z',
    tree: archived.treeId,
    paths: [source],
    hostname: 'h',
    username: 'u',
  });
  await repository.saveDocument(ctx, 'snapshots', Buffer.from(json));
  const stock = restic(dir.join('repository'), 'test');
  await stock.run('check', '--read-data');
  await stock.run('restore', 'latest', '--target', dir.join('out'), '--verify');
  expect(describeDirectory(dir.join('out', source))).toEqual(describeDirectory(source));
});
