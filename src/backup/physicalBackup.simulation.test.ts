import { cp } from 'node:fs/promises';
import { expect } from 'vitest';
import { FaultBackend, Crash } from '../backend/fault.ts';
import { openBackend } from '../backend/openBackend.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { Secret } from '../base/secret.ts';
import { checkRepository } from '../repository/check.ts';
import { Repository } from '../repository/repository.ts';
import { snapshotReferences } from '../snapshot/references.ts';
import { needs } from '../testing/needs.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { restic } from '../testing/restic.ts';
import { backupPhysical } from './physicalBackup.ts';
import { backupBench, password, startRestored } from './fixture/physical.ts';
import { tableHashes } from '../testing/tableHashes.ts';

const ctx = createContext();

async function crashingBackup(
  cluster: Cluster,
  path: string,
  crash: { afterMutations: number; seed: number },
): Promise<FaultBackend> {
  const backend = new FaultBackend(await openBackend(path), { crash });
  const repository = await Repository.open(ctx, backend, { password: new Secret(password) });
  const options = {
    source: 'main',
    connection: cluster.connection,
    method: 'files',
    progress: silentProgress,
  } as const;
  await backupPhysical(ctx, repository, options).catch((error: unknown) => {
    if (!(error instanceof Crash) && !backend.crashed) throw error;
  });
  return backend;
}

needs('restic')(
  'a backup stopped after any of its storage operations harms nothing, and the next one succeeds',
  async () => {
    await using cluster = await createCluster();
    await using bench = await backupBench();
    await cluster.sql(
      'create table t as select g as id, md5(g::text) as text from generate_series(1, 3000) g; checkpoint',
    );
    const first = await bench.backup(cluster);
    const expected = await tableHashes(cluster);
    await cluster.sql('create table after_the_first as select g from generate_series(1, 2000) g; checkpoint');
    let states = 0;
    for (let afterMutations = 0; ; afterMutations++) {
      const path = bench.directory.join(`state-${afterMutations}`);
      await cp(bench.repositoryPath, path, { recursive: true });
      const { crashed } = await crashingBackup(cluster, path, { afterMutations, seed: afterMutations });
      const judge = restic(path, password);
      await judge.run('check', '--read-data', '--no-lock');
      const repository = await Repository.open(ctx, await openBackend(path), { password: new Secret(password) });
      expect((await checkRepository(ctx, repository, { references: snapshotReferences })).errors).toEqual([]);
      const snapshots = await judge.json<{ id: string }[]>('snapshots', '--no-lock');
      expect(snapshots.map(({ id }) => id)).toContain(first.snapshot.id);
      for (const { id } of snapshots)
        await judge.run('restore', id, '--no-lock', '--verify', '--target', `${path}-${id}`);
      if (!crashed) break;
      states++;
      const again = await backupPhysical(ctx, repository, {
        source: 'main',
        connection: cluster.connection,
        method: 'files',
        progress: silentProgress,
      });
      expect(again.record.files.total).toBeGreaterThan(900);
      await judge.run('check', '--no-lock');
    }
    expect(states).toBeGreaterThan(5);
    await using restored = await startRestored(await bench.restoreWithRestic(first.snapshot.id), 15);
    expect(await tableHashes(restored)).toEqual(expected);
  },
);
