import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RecoveryBench } from '../src/restore/fixture/recoveryBench.ts';
import { compareWithLog, noDifferences, startCommitLoad } from '../src/testing/commitLoad.ts';
import type { CommitMark, ExpectedRows } from '../src/testing/commitLog.ts';
import { existingCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { rootOnly } from '../src/testing/needs.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Only in the name of a socket. */
const port = 5439;
let bench: RecoveryBench;
let cluster: Cluster;
let mark: CommitMark;
let all: ExpectedRows;

beforeAll(async () => {
  bench = await RecoveryBench.open();
  cluster = await bench.createCluster({
    settings: { unix_socket_directories: bench.directory.path, port, listen_addresses: '' }, // for who is restored
  });
  await using load = await startCommitLoad(cluster);
  await load.advance(30);
  await bench.backup(cluster);
  await load.advance(30);
  mark = await load.mark('here');
  await load.advance(30);
  await load.stop();
  all = load.log.expectedNow();
  await bench.archiveAll(cluster);
  const user = serverUser();
  if (user !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, bench.repositoryPath]);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function restore(...words: string[]): Promise<Outcome> {
  return runProgram(['restore', ...words], { environment: repositoryEnvironment(bench.repositoryPath) });
}

async function succeeded(outcome: Promise<Outcome>): Promise<Outcome> {
  expect(await outcome, (await outcome).stderr).toMatchObject({ status: 0 });
  return outcome;
}

/** Names of the leases of recoveries that lie in the repository. */
function leases(): string[] {
  const directory = join(bench.repositoryPath, 'understudy/wal-leases');
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((each) => readdirSync(join(directory, each)));
}

async function expectRows(dataDirectory: string, expected: ExpectedRows): Promise<void> {
  const settings = { fsync: false, archive_mode: 'off' };
  await using recovered = await existingCluster({ dataDirectory, major: cluster.major, settings });
  await recovered.start({ until: 'recovered' });
  expect(await compareWithLog(recovered, expected)).toEqual(noDifferences);
}

describe('a cluster', () => {
  test('is planned without a trace, restored to a time, and recovered by --start', async () => {
    const destination = bench.nextDestination();
    const target = ['--at', mark.time.toISOString(), '--target-dir', destination];
    const planned = await succeeded(restore(...target, '--dry-run', '--verify-wal'));
    expect(planned.stdout).toMatch(/^Would restore:\n {2}backup .*\n(.*\n)* {2}lands at +0\/[0-9A-F]+, last commit 20/);
    expect(existsSync(destination)).toBe(false);

    const restored = await succeeded(restore(...target, '--start', '--stop-after', '--json'));
    const lines = jsonLines(restored.stdout);
    const plan = lines.find((line) => line['message_type'] === 'restored');
    expect(lines.find((line) => line['message_type'] === 'recovered')).toMatchObject({ outcome: 'ended', timeline: 2 });
    expect(plan).toMatchObject({ target_kind: 'time', timeline: 1, target_dir: destination });
    const history = readFileSync(join(destination, 'pg_wal/00000002.history'), 'utf8');
    expect(history.split('\t')[1]).toBe(plan!['landing_lsn']);
    expect(existsSync(join(destination, 'pg_wal/understudy-restore'))).toBe(false); // and with it the key
    expect(leases()).toEqual([]);
    expect(existsSync(join(destination, 'pg_wal/archive_status/00000002.history.ready'))).toBe(true);
    await expectRows(destination, mark.expected);
  });

  test('recovers by itself when it is started, with a password file that is passed on', async () => {
    const destination = bench.nextDestination();
    const passwordFile = bench.directory.join('password');
    writeFileSync(passwordFile, 'correct horse\n');
    const words = [
      'restore',
      '--repo',
      bench.repositoryPath,
      '--password-file',
      passwordFile,
      '--target-dir',
      destination,
    ];
    await succeeded(runProgram(words));
    expect(leases()).toHaveLength(1);
    const environment = repositoryEnvironment(bench.repositoryPath);
    const pruned = await succeeded(runProgram(['prune', '--dry-run'], { environment }));
    expect(pruned.stdout).toMatch(/held from 0\/[0-9A-F]+ of timeline 1 on, for the recovery in .*, until 20/);
    const settings = readFileSync(join(destination, 'postgresql.auto.conf'), 'utf8');
    expect(settings).toContain('--password-file');
    expect(existsSync(join(destination, 'pg_wal/understudy-restore/key'))).toBe(false);
    await expectRows(destination, all);
    await waitFor(() => leases().length === 0, { what: 'the end of the lease on WAL' });
  });

  rootOnly('comes back from a repository that may not be written to, and it is told what that means', async () => {
    const [copy, destination] = [bench.directory.join('read-only'), bench.nextDestination()];
    execFileSync('cp', ['-a', bench.repositoryPath, copy]);
    execFileSync('chmod', ['-R', 'a-w', copy]);
    const options = { environment: repositoryEnvironment(copy), user: serverUser()! };
    const outcome = await succeeded(runProgram(['restore', '--target-dir', destination], options));
    expect(outcome.stderr).toContain('the repository is read without a lock, do not prune it now: ');
    expect(outcome.stderr).toContain('no prune is kept from WAL that this recovery needs: ');
    await expectRows(destination, all);
  });

  test('recovers by itself with a password from the environment: the key is there, private, until it has', async () => {
    const destination = bench.nextDestination();
    const outcome = await succeeded(restore('--xid', String(mark.xid), '--exclusive', '--target-dir', destination));
    expect(outcome.stdout).toContain('key of the repository is in the data directory');
    const key = statSync(join(destination, 'pg_wal/understudy-restore/key'));
    expect(key.mode & 0o777).toBe(0o600);
    expect(key.uid).toBe(serverUser()?.uid ?? process.getuid?.());
    const before = { must: new Set(mark.expected.must), may: mark.expected.may };
    before.must.delete(mark.xidSequence);
    await expectRows(destination, before);
    expect(existsSync(join(destination, 'pg_wal/understudy-restore'))).toBe(false);
  });

  test('is left running by --start, with its own configuration, and restored again by a delta', async () => {
    const destination = bench.nextDestination();
    await succeeded(restore('--immediate', '--target-dir', destination, '--stop-after', '--start'));
    await succeeded(restore('--name', 'here', '--target-dir', destination, '--delta', '--start'));
    const client = new pg.Client({ ...cluster.connection, host: bench.directory.path, port });
    await client.connect();
    const { rows } = await client.query('select pg_is_in_recovery() as recovering');
    await client.end();
    expect(rows).toEqual([{ recovering: false }]);
    expect(await restore('--target-dir', destination, '--force')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a PostgreSQL server is running'),
    });
    process.kill(Number(readFileSync(join(destination, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT');
    await waitFor(() => !existsSync(join(destination, 'postmaster.pid')), { what: 'the end of the server' });
    await expectRows(destination, mark.expected);
  });

  test.each([
    [['--at', '2026-11-21 10:42:00'], 'target-invalid', 2],
    [['--at', '2001-01-01 00:00:00Z'], 'target-outside-window', 1],
    [['--lsn', '0/10', '--xid', '5'], 'target-invalid', 2],
    [['--delta', '--force'], 'usage', 2],
    [['--tablespace-map', 'nonsense'], 'usage', 2],
    [['--stop-after'], 'usage', 2],
    [['--primary-slot', 'x'], 'usage', 2],
    [['--source', 'nobody'], 'not-found', 1],
  ] as const)('%j is refused with %s, and nothing is changed', async (words, code, status) => {
    const destination = bench.nextDestination();
    const outcome = await restore(...words, '--target-dir', destination, '--json');
    expect(outcome.status).toBe(status);
    expect(JSON.parse(outcome.stderr)).toMatchObject({ code, hint: expect.any(String) });
    expect(existsSync(destination)).toBe(false);
  });

  test('needs a directory', async () => {
    expect(await restore('--immediate')).toMatchObject({ status: 2, stderr: expect.stringContaining('--target-dir') });
  });
});

test('a file of a cluster, and a directory, come back as files', async () => {
  const one = bench.nextDestination();
  await succeeded(restore('files', 'latest:pgdata/PG_VERSION', '--target-dir', one));
  expect(readdirSync(one)).toEqual(['PG_VERSION']);
  const many = bench.nextDestination();
  await succeeded(restore('files', 'latest:pgdata/global', '--target-dir', many, '--json'));
  expect(readdirSync(many)).toContain('pg_control');
  expect(await restore('files', 'latest', '--target-dir', many)).toMatchObject({ status: 1 });
  rmSync(join(many, 'pg_control'));
  await succeeded(restore('files', 'latest:pgdata/global', '--target-dir', many, '--delta'));
  expect(readdirSync(many)).toContain('pg_control');
});
