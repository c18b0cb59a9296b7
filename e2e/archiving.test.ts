import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createContext } from '../src/base/context.ts';
import { parseLsn, type Lsn } from '../src/postgres/lsn.ts';
import { parseSystemIdentifier } from '../src/postgres/systemIdentifier.ts';
import { toTimelineId } from '../src/postgres/timeline.ts';
import { createCluster, giveToServer, type Cluster } from '../src/testing/postgresServer.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { WalArchive } from '../src/wal/walArchive.ts';
import { recordWalGap } from '../src/wal/walGapMarkers.ts';
import { jsonLines, runProgram, type Outcome, type ProgramOptions } from './fixture/program.ts';
import { makeRepository, objectsIn, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

const main = join(resolve(import.meta.dirname, '..'), 'src/main.ts');

test('a backup waits for its WAL in the archive, and tells when it does not come or was lost', async () => {
  await using directory = await tempDir({ owner: 'server' });
  await using cluster = await archivingCluster(directory);
  const path = directory.join('repository');
  const repository = await makeRepository(path);
  await giveTree(path);
  const { host, port, user } = cluster.connection;
  const words = ['--host', host, '--port', String(port), '--user', user];
  const options = { environment: repositoryEnvironment(path), ...asServer() };
  const backup = (...more: string[]): Promise<Outcome> => runProgram(['backup', ...words, ...more], options);
  const archived = (): number => (existsSync(join(path, 'wal')) ? objectsIn(join(path, 'wal')).length : 0);
  await cluster.sql('create table t as select generate_series(1, 1000) as id');
  await switchWal(cluster);
  await waitFor(() => archived() > 0, { what: 'archived WAL' });

  const first = await backup('--json');
  expect(first).toMatchObject({ status: 0, stderr: '' });
  expect(first.stdout).toContain('"phase":"waiting for the WAL archive"');
  const { record } = jsonLines(first.stdout).at(-1) as { record: Record<'systemIdentifier', string> };

  await cluster.sql('insert into t values (0)');
  const [inserted] = await cluster.sql<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const before = archived();
  await switchWal(cluster);
  await waitFor(() => archived() > before, { what: 'the WAL after the backup' });
  const listed = jsonLines((await runProgram(['snapshots', '--json'], options)).stdout);
  const window = listed.find((line) => line['message_type'] === 'recovery_window');
  expect(window).toMatchObject({ source: 'main', timeline: 1, system_identifier: record.systemIdentifier });
  expect(parseLsn(window!['end_lsn'] as string)).toBeGreaterThanOrEqual(parseLsn(inserted!.lsn));

  await cluster.sql(`alter system set archive_command = '/bin/false'`);
  await cluster.sql('select pg_reload_conf()');
  const late = await backup('--quiet', '--archive-timeout', '1s');
  expect(late.stderr).toMatch(
    /^warning: main: 1 WAL segment of this backup did not reach the archive in time \(first 0{7}1/,
  );
  expect(late.status).toBe(0);

  const lost = { begin: await currentLsn(cluster), end: await switchWal(cluster) };
  const archive = WalArchive.of(repository, parseSystemIdentifier(record.systemIdentifier));
  const marker = { ...lost, timeline: toTimelineId(1), recordedAt: new Date(), reason: 'the slot was dropped' };
  await recordWalGap(createContext(), archive, marker);
  await giveTree(path);
  const needed = await backup('--quiet', '--archive-timeout', '1s');
  expect(needed.stderr).toMatch(
    /warning: main: WAL from .* was lost, recorded .*: the slot was dropped; from this backup on/,
  );
  const next = await backup('--quiet', '--archive-timeout', '1s');
  expect(next.stderr).not.toContain('was lost');
});

/** A cluster whose archive_command is ours; PostgreSQL runs it as its own user and without our environment. */
async function archivingCluster(directory: TempDir): Promise<Cluster> {
  const passwordFile = directory.join('password');
  await writeFile(passwordFile, password);
  const words = ['wal', 'push', '--repo', directory.join('repository'), '--password-file', passwordFile];
  const archiveCommand = `${process.execPath} ${main} ${words.join(' ')} "%p"`;
  return createCluster({ settings: { archive_mode: 'on', archive_command: archiveCommand } });
}

async function currentLsn(cluster: Cluster): Promise<Lsn> {
  const [row] = await cluster.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  return parseLsn(row!.lsn);
}

async function switchWal(cluster: Cluster): Promise<Lsn> {
  await cluster.sql('select txid_current(), pg_switch_wal()');
  await cluster.sql('select txid_current()');
  return currentLsn(cluster);
}

function asServer(): ProgramOptions {
  const user = serverUser();
  return user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } };
}

async function giveTree(path: string): Promise<void> {
  for (const name of ['', ...(await readdir(path, { recursive: true }))]) await giveToServer(join(path, name));
}
