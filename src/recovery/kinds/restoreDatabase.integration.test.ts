// needs PostgreSQL's client programs
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { dumpBench, everything, schemaText } from '../../testing/dumpBench.ts';
import { needs } from '../../testing/needs.ts';
import { createCluster } from '../../testing/postgresServer.ts';
import { passwordText } from '../../testing/repositories.ts';
import { createRichDatabase } from '../../testing/richDatabase.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { tableHashes } from '../../testing/tableHashes.ts';
import { runStep } from '../fixture/stepRun.ts';
import { restoreDatabaseKind } from './restoreDatabase.ts';

const run = promisify(execFile);

needs('restic')('what the runbook says to type brings all of a database back', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await createRichDatabase(cluster, 'shop');
  await bench.backup({ filters: { ...everything, databases: ['shop'] } });
  await using directory = await tempDir();
  const options = { source: 'app', snapshot: 'latest', databases: ['shop'], into: 'copy' };
  const env = {
    PATH: `${cluster.binaries}:${process.env['PATH']}`,
    PGHOST: cluster.socketDirectory,
    PGUSER: 'postgres',
    RESTIC_REPOSITORY: bench.path('repository'),
    RESTIC_PASSWORD: passwordText,
  };
  await run('sh', ['-ec', restoreDatabaseKind.byHand?.(options) ?? ''], { cwd: directory.path, env });
  expect(await tableHashes(cluster, 'copy')).toEqual(await tableHashes(cluster, 'shop'));
  expect(await schemaText(cluster, 'copy')).toBe(await schemaText(cluster, 'shop'));
  await using client = await cluster.connect({ database: 'copy' });
  const { rows } = await client.query(
    `select nextval('free_sequence') as next, count(*)::int as pages from pg_largeobject`,
  );
  expect(rows).toMatchObject([{ next: '990' }]);
  expect(rows[0]).not.toMatchObject({ pages: 0 });
});

test('the URL names the database that is lost, and one that was complete when we were killed stays as it is', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql('create database shop');
  await bench.backup({ filters: { ...everything, databases: ['shop'] } });
  await cluster.sql('drop database shop');
  await using directory = await tempDir();
  const url = `postgresql://postgres@${encodeURIComponent(cluster.socketDirectory)}/shop`;
  const services = { repository: () => Promise.resolve(bench.repository), postgresBinaries: () => Promise.resolve([]) };
  const options = { directory: directory.path, services, secrets: { url } };
  const step = { kind: 'restore-database', connection: '${url}' };
  expect(await runStep(step, options)).toMatchObject({ summary: 'restored shop' });
  expect(await readdir(directory.path)).toEqual([]);
  await using client = await cluster.connect({ database: 'shop' });
  await client.query('create table used ()');
  await expect(runStep(step, options)).rejects.toMatchObject({ code: 'destination-not-empty' });
  await writeFile(directory.join('.restoring-step'), '["shop"]'); // as it is left between the last act and the journal
  expect(await runStep(step, options)).toMatchObject({ summary: 'restored shop', facts: { databases: 'shop' } });
  expect((await client.query('select * from used')).rows).toEqual([]);
});
