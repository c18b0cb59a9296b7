import { expect } from 'vitest';
import { backupBench, password, startRestored } from '../src/backup/fixture/physical.ts';
import { tableHashes } from '../src/testing/tableHashes.ts';
import { needs } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { restic } from '../src/testing/restic.ts';
import { runProgram, type Outcome } from './fixture/program.ts';

const environment = (repository: string) => ({ UNDERSTUDY_REPOSITORY: repository, UNDERSTUDY_PASSWORD: password });

function backup(cluster: Cluster, repository: string, source: string): Promise<Outcome> {
  const words = [
    'backup',
    source,
    '--host',
    cluster.socketDirectory,
    '--user',
    'postgres',
    '--rehash',
    '--retry-lock',
    '5m',
  ];
  return runProgram(words, { environment: environment(repository) });
}

needs('restic')('several backups at once, with prunes among them, are all whole', async () => {
  await using one = await createCluster();
  await using two = await createCluster();
  for (const cluster of [one, two]) {
    await cluster.sql('create table t as select g as id, md5(random()::text) as text from generate_series(1, 50000) g');
  }
  await using bench = await backupBench();
  const { repositoryPath: repository } = bench;
  await bench.backup(one, { source: 'one' });
  const pruned: (number | null)[] = [];
  for (let round = 0; round < 3; round++) {
    await one.sql('update t set text = md5(text) where id % 10 = 0');
    const backups = [backup(one, repository, 'one'), backup(two, repository, 'two'), backup(one, repository, 'again')];
    const prune = await runProgram(['prune', '--max-unused', '0'], { environment: environment(repository) });
    pruned.push(prune.status);
    for (const outcome of await Promise.all(backups)) expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    await restic(repository, password).run('forget', '--keep-last', '1', '--group-by', 'paths');
  }
  // a prune that met a backup was refused, and did nothing
  for (const status of pruned) expect([0, 11]).toContain(status);
  const judge = restic(repository, password);
  await judge.run('check', '--read-data');
  for (const [source, cluster] of [
    ['one', one],
    ['two', two],
  ] as const) {
    const [snapshot] = await judge.json<{ id: string }[]>('snapshots', '--path', `/${source}`, 'latest');
    await using restored = await startRestored(await bench.restoreWithRestic(snapshot!.id, source), 15);
    expect(await tableHashes(restored)).toEqual(await tableHashes(cluster));
  }
});
