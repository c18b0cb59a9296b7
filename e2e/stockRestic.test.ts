import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { backupBench, password, startRestored } from '../src/backup/fixture/physical.ts';
import { tableHashes } from '../src/testing/tableHashes.ts';
import { openBackend } from '../src/backend/openBackend.ts';
import { createContext } from '../src/base/context.ts';
import { Secret } from '../src/base/secret.ts';
import { checkRepository } from '../src/repository/check.ts';
import { Repository } from '../src/repository/repository.ts';
import { snapshotReferences } from '../src/snapshot/references.ts';
import { needs } from '../src/testing/needs.ts';
import { createCluster } from '../src/testing/postgresServer.ts';
import { restic } from '../src/testing/restic.ts';
import { waitFor } from '../src/testing/waitFor.ts';

function mayMount(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function ourFindings(path: string): Promise<unknown> {
  const ctx = createContext();
  const repository = await Repository.open(ctx, await openBackend(path), { password: new Secret(password) });
  return (await checkRepository(ctx, repository, { references: snapshotReferences })).errors;
}

needs('restic')('stock restic works on our repository, and we work on what it leaves', async () => {
  await using cluster = await createCluster();
  await using bench = await backupBench();
  await cluster.sql(
    'create table t as select g as id, md5(g::text) as text from generate_series(1, 5000) g; checkpoint',
  );
  const first = await bench.backup(cluster);
  await cluster.sql('insert into t select g, md5(g::text) from generate_series(5001, 6000) g');
  const second = await bench.backup(cluster);
  const stock = restic(bench.repositoryPath, password);

  const snapshots = await stock.json<{ id: string; tags: string[] }[]>('snapshots');
  expect(snapshots.map(({ id }) => id).toSorted()).toEqual([first.snapshot.id, second.snapshot.id].toSorted());
  await stock.run('check', '--read-data');
  expect(await stock.run('dump', second.snapshot.id, '/main/pgdata/PG_VERSION')).toBe('15\n');

  // an ordinary backup on top
  const files = bench.directory.join('files');
  await mkdir(files);
  await writeFile(join(files, 'a file'), 'content');
  await stock.run('backup', files);

  // copy to another repository, and forget with prune here
  const other = restic(bench.directory.join('other'), password);
  const passwordFile = bench.directory.join('password');
  await writeFile(passwordFile, password);
  await other.run('init');
  await other.run(
    'copy',
    '--from-repo',
    bench.repositoryPath,
    '--from-password-file',
    passwordFile,
    second.snapshot.id,
  );
  await other.run('check', '--read-data');
  await stock.run('forget', '--prune', '--keep-last', '1', '--path', '/main');
  await stock.run('check', '--read-data');
  expect(await ourFindings(bench.repositoryPath)).toEqual([]);

  const before = await tableHashes(cluster);
  const third = await bench.backup(cluster);
  expect(third.record.parent).toBe(second.snapshot.id);
  await using restored = await startRestored(await bench.restoreWithRestic(third.snapshot.id), 15);
  expect(await tableHashes(restored)).toEqual(before);
});

needs('restic', 'fusermount3')('stock restic mounts our repository', async ({ skip }) => {
  if (!mayMount()) skip('this user may not open /dev/fuse');
  await using cluster = await createCluster();
  await using bench = await backupBench();
  await bench.backup(cluster);
  const mountpoint = bench.directory.join('mount');
  await mkdir(mountpoint);
  const env = { ...process.env, RESTIC_REPOSITORY: bench.repositoryPath, RESTIC_PASSWORD: password };
  const mount = spawn('restic', ['--no-cache', 'mount', mountpoint], { env, stdio: 'ignore' });
  try {
    const version = join(mountpoint, 'snapshots', 'latest', 'main', 'pgdata', 'PG_VERSION');
    await waitFor(() => existsSync(version), { what: 'the mount' });
    expect(readFileSync(version, 'utf8')).toBe('15\n');
    expect(readdirSync(join(version, '..', 'global'))).toContain('pg_control');
  } finally {
    mount.kill('SIGINT');
    await once(mount, 'exit');
  }
});
