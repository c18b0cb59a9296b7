// needs PostgreSQL's client programs
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { dumpBench, everything, schemaText } from '../../testing/dumpBench.ts';
import { needs } from '../../testing/needs.ts';
import { createCluster } from '../../testing/postgresServer.ts';
import { createRichDatabase } from '../../testing/richDatabase.ts';
import { tableHashes } from '../../testing/tableHashes.ts';
import { restoreDatabaseKind } from './restoreDatabase.ts';

const run = promisify(execFile);

needs('restic')('what the runbook says to type brings all of a database back', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await createRichDatabase(cluster, 'shop');
  const dump = await bench.backup({ filters: { ...everything, databases: ['shop'] } });
  const directory = bench.path('by-hand');
  await mkdir(directory);
  await symlink(`${await bench.restored(dump)}/shop`, `${directory}/dump`);
  const text = restoreDatabaseKind.byHand?.({ source: 'app', snapshot: 'latest', databases: ['shop'], into: 'copy' });
  const [restic, ...rest] = (text ?? '').split('\n');
  expect(restic).toBe('restic -r <repository> restore latest:/app/shop --tag kind:dump --target ./dump');
  const env = {
    PATH: `${cluster.binaries}:${process.env['PATH']}`,
    PGHOST: cluster.socketDirectory,
    PGUSER: 'postgres',
  };
  await run('sh', ['-ec', rest.join('\n')], { cwd: directory, env });
  expect(await tableHashes(cluster, 'copy')).toEqual(await tableHashes(cluster, 'shop'));
  expect(await schemaText(cluster, 'copy')).toBe(await schemaText(cluster, 'shop'));
  await using client = await cluster.connect({ database: 'copy' });
  const { rows } = await client.query(
    `select nextval('free_sequence') as next, count(*)::int as pages from pg_largeobject`,
  );
  expect(rows).toMatchObject([{ next: '990' }]);
  expect(rows[0]).not.toMatchObject({ pages: 0 });
});
