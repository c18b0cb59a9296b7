import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { appendFile, mkdir, open, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareWithLog, noDifferences, startCommitLoad } from '../testing/commitLoad.ts';
import type { ExpectedRows } from '../testing/commitLog.ts';
import { existingCluster, type Cluster } from '../testing/postgresServer.ts';
import { rootOnly } from '../testing/needs.ts';
import { serverUser } from '../testing/serverUser.ts';
import { waitFor } from '../testing/waitFor.ts';
import { incompleteMarker } from './destination.ts';
import { RecoveryBench, startRecovered } from './fixture/recoveryBench.ts';
import type { RecoveryPlan } from './planRecovery.ts';

let bench: RecoveryBench;
let cluster: Cluster;
let all: ExpectedRows;

beforeAll(async () => {
  bench = await RecoveryBench.open();
  cluster = await bench.createCluster({ tablespaces: ['fast disk', 'ü'] });
  await cluster.sql(`
    create table in_space tablespace "fast disk" as select g as id from generate_series(1, 5000) g;
    create table in_other tablespace "ü" as select g as id from generate_series(1, 700) g`);
  await cluster.sql(`alter system set recovery_target_time = '2001-01-01 00:00:00+00'`); // of an earlier recovery
  await using load = await startCommitLoad(cluster);
  await load.advance(30);
  await bench.backup(cluster);
  await load.advance(30);
  await load.stop();
  all = load.log.expectedNow();
  await bench.archiveAll(cluster);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function elsewhere(): { directory: string } {
  return { directory: `${bench.nextDestination()} spaces` };
}

async function expectEverything(plan: RecoveryPlan): Promise<void> {
  await using recovered = await startRecovered(plan, cluster.major);
  expect(await compareWithLog(recovered, all)).toEqual(noDifferences);
  const count = `select (select count(*)::int from in_space) as one, (select count(*)::int from in_other) as two`;
  expect(await recovered.sql(count)).toEqual([{ one: 5000, two: 700 }]);
}

describe('tablespaces', () => {
  test('go where they are sent, as links', async () => {
    const [first, second] = cluster.directory.length > 0 ? ['tablespace-fast disk', 'tablespace-ü'] : [];
    const directory = bench.nextDestination();
    const map = new Map([
      [join(cluster.directory, first!), `${directory} one`],
      ['ü', `${directory} 'two' ü/`],
    ]);
    const plan = await bench.restore({ tablespaces: { map } });
    const links = readdirSync(join(plan.destination.path, 'pg_tblspc'));
    const targets = links.map((name) => readlinkSync(join(plan.destination.path, 'pg_tblspc', name)));
    expect(targets.toSorted()).toEqual([`${directory} 'two' ü`, `${directory} one`]);
    expect(second).toBe('tablespace-ü');
    await expectEverything(plan);
  });

  test('that a running server uses are never written to', async () => {
    for (const existing of ['refuse', 'delta', 'overwrite'] as const) {
      await expect(bench.plan({ existing })).rejects.toMatchObject({
        code: 'cluster-running',
        hint: expect.stringContaining('--tablespace-map'),
      });
    }
  });

  test('cannot lie in the data directory, in one another, or at a relative place; a map must fit', async () => {
    const destination = bench.nextDestination();
    const maps = [
      [['fast disk', join(destination, 'inside')]],
      [['fast disk', 'relative']],
      [
        ['fast disk', '/somewhere/a'],
        ['ü', '/somewhere/a/b'],
      ],
      [['no such space', '/somewhere']],
    ] as [string, string][][];
    for (const entries of maps) {
      const tablespaces = { map: new Map(entries), directory: '/elsewhere' };
      await expect(bench.plan({ destination, tablespaces })).rejects.toMatchObject({ code: 'usage' });
    }
  });
});

test.each([13, 18] as const)('PostgreSQL %d recovers with tablespaces elsewhere', async (major) => {
  await using other = await RecoveryBench.open();
  await using source = await other.createCluster({ major, tablespaces: ['one'] });
  await source.sql('create table in_one tablespace one as select g as id from generate_series(1, 300) g');
  await other.backup(source);
  await source.sql('insert into in_one select g from generate_series(301, 400) g');
  await other.archiveAll(source);
  const plan = await other.restore({ tablespaces: { directory: `${other.nextDestination()} spaces` } });
  await using recovered = await startRecovered(plan, major);
  expect(await recovered.sql('select count(*)::int as count from in_one')).toEqual([{ count: 400 }]);
  const link = join(plan.destination.path, 'pg_tblspc', String(plan.tablespaces[0]!.oid));
  expect(readlinkSync(link)).toBe(plan.tablespaces[0]!.location);
});

test('a delta repairs damage, removes what does not belong there, and ends in the same cluster', async () => {
  const tablespaces = elsewhere();
  const first = await bench.restore({ tablespaces });
  await expectEverything(first); // its recovery has changed and added files, and made another timeline
  const { path } = first.destination;
  await appendFile(join(path, 'base/1/1247'), 'more');
  await truncate(join(path, 'base/1/1259'), 8192);
  const file = await open(join(path, 'global/1262'), 'r+');
  await file.write(Buffer.alloc(100, 0xff), 0, 100, 3000);
  await file.close();
  await rm(join(path, 'base/1/PG_VERSION'));
  await rm(join(path, 'backup_label.old'));
  await writeFile(join(path, 'base/1/987654'), 'left over');
  await mkdir(join(path, 'standby.signal'));
  const plan = await bench.restore({ destination: path, existing: 'delta', tablespaces });
  expect(existsSync(join(path, 'base/1/987654'))).toBe(false);
  expect(existsSync(join(path, 'standby.signal'))).toBe(false);
  expect(existsSync(join(path, incompleteMarker))).toBe(false);
  expect(readdirSync(join(path, 'pg_wal')).filter((name) => name.startsWith('00000002'))).toEqual([]);
  await expectEverything(plan);
});

test('settings of an earlier recovery are gone, owner and modes are what PostgreSQL wants', async () => {
  const plan = await bench.restore({ tablespaces: elsewhere(), target: { kind: 'immediate' } });
  const { path } = plan.destination;
  const text = await readFile(join(path, 'postgresql.auto.conf'), 'utf8');
  expect(text).not.toContain('2001');
  expect(text).toContain(`recovery_target = 'immediate'`);
  for (const name of ['', 'postgresql.auto.conf', 'recovery.signal', 'global/pg_control', 'pg_wal/archive_status']) {
    const stat = statSync(join(path, name));
    expect(stat.uid).toBe(serverUser()?.uid ?? process.getuid?.());
    expect(stat.mode & 0o077).toBe(0);
  }
  expect(readdirSync(join(path, 'pg_wal/archive_status')).toSorted()).toEqual(
    plan.backup.record.wal.map((name) => `${name}.done`).toSorted(),
  );
});

test('a standby stays one, and follows its primary', async () => {
  const plan = await bench.restore({
    tablespaces: elsewhere(),
    standby: { primaryConninfo: cluster.connectionString },
  });
  await using standby = await existingCluster({
    dataDirectory: plan.destination.path,
    major: cluster.major,
    settings: { fsync: false, archive_mode: 'off' },
  });
  await standby.start();
  await cluster.sql('create table for_the_standby as select 1 as id');
  await waitFor(
    async () =>
      (await standby.sql<{ name: string | null }>(`select to_regclass('for_the_standby')::text as name`))[0]!.name !==
      null,
    {
      what: 'the row on the standby',
    },
  );
  expect(await standby.sql('select pg_is_in_recovery() as recovering')).toEqual([{ recovering: true }]);
});

test('a pg_wal that is a link stays one, unless a running server writes where it leads', async () => {
  const tablespaces = elsewhere();
  const { destination } = await bench.restore({ tablespaces });
  const walDirectory = `${destination.path} wal`;
  const link = join(destination.path, 'pg_wal');
  await rename(link, walDirectory);
  await symlink(walDirectory, link);
  await writeFile(join(walDirectory, '0000000100000000000000FF'), 'left over');
  await mkdir(join(walDirectory, 'lost+found'));
  const plan = await bench.restore({ destination: destination.path, existing: 'delta', tablespaces });
  expect(readlinkSync(link)).toBe(walDirectory);
  expect(readdirSync(walDirectory)).not.toContain('0000000100000000000000FF');
  expect(readdirSync(walDirectory)).toContain('lost+found');
  await expectEverything(plan);

  await rm(link);
  await symlink(join(cluster.dataDirectory, 'pg_wal'), link);
  const before = readdirSync(join(cluster.dataDirectory, 'pg_wal'));
  await expect(bench.plan({ destination: destination.path, existing: 'delta', tablespaces })).rejects.toMatchObject({
    code: 'cluster-running',
  });
  expect(readdirSync(join(cluster.dataDirectory, 'pg_wal'))).toEqual(before);
});

test('a restore that is killed leaves nothing that starts; a delta finishes it', async () => {
  await using simple = await bench.createCluster();
  await using other = await RecoveryBench.open();
  await using load = await startCommitLoad(simple);
  await load.advance(20);
  const before = load.log.expectedNow();
  await other.backup(simple);
  await load.stop();
  const destination = other.nextDestination();
  for (const files of [2, 200, 500]) {
    await killRestore(other.repositoryPath, destination, files);
    expect(existsSync(join(destination, incompleteMarker))).toBe(true);
    expect(existsSync(join(destination, 'global/pg_control'))).toBe(false);
  }
  await using broken = await existingCluster({ dataDirectory: destination, major: simple.major });
  await expect(broken.start({ timeoutMs: 20_000 })).rejects.toThrow('stopped while it started');
  const plan = await other.restore({ destination, existing: 'delta' });
  await using recovered = await startRecovered(plan, simple.major);
  const { missing, changed, torn } = await compareWithLog(recovered, before);
  expect({ missing, changed, torn }).toEqual({ missing: [], changed: [], torn: [] });
});

/** Kills a restore, with no time to tidy up, once it has made so many files. */
async function killRestore(repository: string, destination: string, files: number): Promise<void> {
  const script = join(import.meta.dirname, 'fixture/restoreProcess.ts');
  const child = spawn(process.execPath, [script, repository, destination, 'delta'], { stdio: 'inherit' });
  const closed = once(child, 'close');
  const count = () => (existsSync(destination) ? readdirSync(destination, { recursive: true }).length : 0);
  await waitFor(() => child.exitCode !== null || count() >= files, { what: `${files} files` });
  child.kill('SIGKILL');
  expect(await closed).toEqual([null, 'SIGKILL']);
}

rootOnly('a disk that is too small is destination-full; with more room a delta finishes', async (t) => {
  await using simple = await bench.createCluster();
  await using other = await RecoveryBench.open();
  await other.backup(simple);
  const disk = other.nextDestination();
  await mkdir(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'understudy-test', disk]).status !== 0) {
    if (process.env['CI'] !== 'true') t.skip('root may not mount here');
  }
  try {
    const destination = join(disk, 'data');
    await expect(other.restore({ destination })).rejects.toMatchObject({ code: 'destination-full' });
    expect(existsSync(join(destination, 'global/pg_control'))).toBe(false);
    await expect(other.plan({ destination })).rejects.toMatchObject({ code: 'destination-not-empty' });
    execFileSync('mount', ['-o', 'remount,size=200m', disk]);
    const plan = await other.restore({ destination, existing: 'delta' });
    await using recovered = await startRecovered(plan, simple.major);
    expect(await recovered.sql('select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    spawnSync('umount', [disk]);
  }
});

rootOnly('an ordinary user restores for himself', async () => {
  await using simple = await bench.createCluster();
  await using other = await RecoveryBench.open();
  await other.backup(simple);
  const { uid, gid } = serverUser()!;
  execFileSync('chown', ['-R', `${uid}:${gid}`, other.repositoryPath]);
  const destination = other.nextDestination();
  const script = join(import.meta.dirname, 'fixture/restoreProcess.ts');
  const reachable = spawnSync(process.execPath, ['--version'], { uid, gid }).status === 0;
  expect(reachable).toBe(true);
  execFileSync(process.execPath, [script, other.repositoryPath, destination, 'refuse'], { uid, gid, stdio: 'pipe' });
  await using recovered = await existingCluster({ dataDirectory: destination, major: simple.major });
  await recovered.start({ until: 'recovered' });
});
