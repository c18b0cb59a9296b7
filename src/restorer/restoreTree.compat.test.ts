import { expect } from 'vitest';
import { openLocalBackend } from '../backend/local.ts';
import { createContext } from '../base/context.ts';
import { Secret } from '../base/secret.ts';
import { Repository } from '../repository/repository.ts';
import { verifyPacks } from '../repository/verifyPacks.ts';
import { needs } from '../testing/needs.ts';
import { describeDirectory, fillDirectory } from '../testing/ordinaryDirectory.ts';
import { restic } from '../testing/restic.ts';
import { tempDir } from '../testing/tempDir.ts';
import { applyRestore } from './applyRestore.ts';
import { planRestore } from './planRestore.ts';

const ctx = createContext();

needs('restic', 'getfattr')(
  'what stock restic backed up is restored with all bytes and attributes, afresh and by delta',
  async () => {
    await using dir = await tempDir();
    const source = dir.join('source');
    fillDirectory(source);
    const stock = restic(dir.join('repository'), 'test');
    await stock.run('init');
    await stock.run('backup', source);
    const [snapshot] = await stock.json<{ tree: string }[]>('snapshots');
    const repository = await Repository.open(ctx, openLocalBackend(dir.join('repository')), {
      password: new Secret('test'),
    });
    const plan = (existing: 'refuse' | 'delta' | 'overwrite') =>
      planRestore(ctx, repository, { treeId: snapshot!.tree, subPath: source, destination: dir.join('out'), existing });
    await applyRestore(ctx, repository, await plan('refuse'), { threads: 2 });
    expect(describeDirectory(dir.join('out'))).toEqual(describeDirectory(source));

    const { fetchedBytes } = await applyRestore(ctx, repository, await plan('delta'), { threads: 1 });
    expect(fetchedBytes).toBe(9_000_000); // a file with several names is made anew
    expect(describeDirectory(dir.join('out'))).toEqual(describeDirectory(source));
    await applyRestore(ctx, repository, await plan('overwrite'), { threads: 2 });
    expect(describeDirectory(dir.join('out'))).toEqual(describeDirectory(source));
    expect((await verifyPacks(ctx, repository, { threads: 2 })).problems).toEqual([]);
  },
);
