// needs PostgreSQL's client programs
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createCluster } from '../src/testing/postgresServer.ts';
import { tempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, outcomeOf, runProgram, startProgram } from './fixture/program.ts';
import { repositoryEnvironment } from './fixture/repository.ts';

test('a source of kind dump, from configuration to the list of snapshots', async () => {
  await using cluster = await createCluster();
  await using directory = await tempDir();
  await cluster.sql('create table events as select g as id from generate_series(1, 1234) g');
  await cluster.sql('create table hidden (id int); create role reader login; grant select on events to reader');
  const { host } = cluster.connection;
  const config = directory.join('understudy.yaml');
  await writeFile(
    config,
    `sources:
  app:
    kind: dump
    connection: { uri: 'postgresql://postgres:\${APP_PASSWORD}@/postgres?host=${encodeURIComponent(host)}' }
  weak:
    kind: dump
    globals: without-passwords
    connection: { host: ${host}, user: reader, database: postgres }
    databases: [postgres]
`,
  );
  const marker = 'planted-dump-password';
  const environment = { ...repositoryEnvironment(directory.join('repository')), APP_PASSWORD: marker };
  const run = (...words: string[]) => runProgram([...words, '--config', config], { environment });
  expect(await run('init')).toMatchObject({ status: 0 });

  const app = await run('backup', 'app', '--name', 'pre-migration-20261122', '--tag', 'critical');
  expect(app, app.stderr).toMatchObject({ status: 0 });
  expect(app.stdout).toMatch(/^app: snapshot [0-9a-f]{8} in .*, 1 database dumped$/m);
  expect(app.stdout).toMatch(/^ {2}tables: +2 with 1,234 rows, in postgres$/m);
  expect(app.stdout).toMatch(/^ {2}globals: with passwords$/m);

  const weak = await run('backup', 'weak', '--json');
  expect(weak.status).toBe(3);
  expect(jsonLines(weak.stdout).find((line) => line['message_type'] === 'summary')).toMatchObject({
    record: { globals: { passwords: false }, databases: [{ tables: [{ name: 'events', rows: 1234 }] }] },
  });
  expect(weak.stderr).toContain('not captured: table public.hidden in postgres: the role lacks SELECT on it');
  expect(weak.stderr).toContain('the dump of weak lacks');

  const listed = jsonLines((await run('snapshots', '--json')).stdout).filter((line) => 'short_id' in line);
  expect(listed).toMatchObject([
    { kind: 'dump', source: 'app', databases: ['postgres'], tables: 2, filtered: false, not_captured: 0 },
    { kind: 'dump', source: 'weak', not_captured: 1 },
  ]);
  expect(listed[0]?.['tags']).toEqual(expect.arrayContaining(['name:pre-migration-20261122', 'critical']));
  const table = (await run('snapshots')).stdout;
  expect(table).toMatch(/ app +dump .* name:pre-migration-20261122,critical +database postgres/);
  expect(table).toMatch(/ weak +dump .* database postgres, 1 NOT CAPTURED/);
  for (const outcome of [app, weak, { stdout: table, stderr: '' }])
    expect(JSON.stringify(outcome)).not.toContain(marker);

  const wrong = await run('backup', 'app', '--name', 'a,b');
  expect(wrong).toMatchObject({ status: 2 });
  expect(wrong.stderr).toContain('--name: "a,b" cannot be a name');
});

test('an interrupted dump ends its programs and leaves no snapshot', async () => {
  await using cluster = await createCluster();
  await using directory = await tempDir();
  const begun = directory.join('begun');
  await mkdir(directory.join('programs'));
  for (const name of ['pg_dump', 'pg_dumpall']) {
    // tells its version, and otherwise writes for ever
    const script = `#!/bin/sh\n[ "$1" = --version ] && exec /usr/lib/postgresql/15/bin/${name} "$1"\ntouch ${begun}\nexec yes\n`;
    await writeFile(directory.join('programs', name), script, { mode: 0o755 });
  }
  const config = directory.join('understudy.yaml');
  await writeFile(
    config,
    `postgresBinaries: [programs]
sources:
  app: { kind: dump, connection: { host: ${cluster.connection.host}, user: postgres }, globals: none }
`,
  );
  const environment = repositoryEnvironment(directory.join('repository'));
  expect(await runProgram(['init', '--config', config], { environment })).toMatchObject({ status: 0 });
  const child = startProgram(['backup', '--config', config], { environment });
  const outcome = outcomeOf(child);
  await waitFor(() => existsSync(begun), { what: 'start of pg_dump' });
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({ status: 130 });
  const listed = await runProgram(['snapshots', '--json', '--config', config], { environment });
  expect(jsonLines(listed.stdout).filter((line) => 'short_id' in line)).toEqual([]);
});
