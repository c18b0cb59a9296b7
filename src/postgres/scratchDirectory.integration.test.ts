import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { rootOnly } from '../testing/needs.ts';
import { listProcesses, processesIn } from '../testing/processes.ts';
import { serverUser } from '../testing/serverUser.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { recordServer } from './process/serverRecord.ts';
import { createScratchDirectory, removeOrphans, scratchMark } from './scratchDirectory.ts';

const ctx = createContext();

interface Owner {
  readonly process: ChildProcess;
  readonly path: string;
  readonly pid: number;
}

/** A process of its own that owns a scratch directory with a running server. */
async function startOwner(parent: TempDir, cluster: Cluster): Promise<Owner> {
  const program = join(import.meta.dirname, 'fixture/crashingOwner.ts');
  const child = spawn(process.execPath, [program, parent.path, cluster.binaries, cluster.dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const said = JSON.parse(line) as { path: string; pid: number };
  return { process: child, ...said };
}

async function kill9(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function serverEnds(cluster: Cluster): Promise<void> {
  await waitFor(() => processesIn(cluster.dataDirectory).length === 0, {
    what: 'end of the server',
    timeoutMs: 20_000,
  });
}

test('a scratch directory is there for others to pass and gone afterwards', async () => {
  await using parent = await tempDir();
  {
    await using scratch = await createScratchDirectory(parent.path);
    expect(readdirSync(parent.path)).toEqual([scratch.path.slice(parent.path.length + 1)]);
    await mkdir(join(scratch.path, 'closed'), { mode: 0o700 });
    expect(await removeOrphans(ctx, parent.path)).toEqual([]);
    expect(existsSync(scratch.path)).toBe(true);
  }
  expect(readdirSync(parent.path)).toEqual([]);
  expect(await removeOrphans(ctx, parent.join('nowhere'))).toEqual([]);
  await expect(createScratchDirectory(parent.join('nowhere'))).rejects.toMatchObject({ code: 'file-missing' });
  await expect(createScratchDirectory(`/tmp/${'x'.repeat(90)}`)).rejects.toMatchObject({ code: 'usage' });
});

test('when its owner is killed the server ends by itself, and the directory goes with the next start', async () => {
  await using parent = await tempDir();
  await using cluster = await createCluster({ start: false });
  const owner = await startOwner(parent, cluster);
  expect(processesIn(cluster.dataDirectory).length).toBeGreaterThan(3);
  expect(await removeOrphans(ctx, parent.path)).toEqual([]);

  await kill9(owner.process);
  await serverEnds(cluster);
  await waitFor(() => !listProcesses().some(({ command }) => command.includes(parent.path)), { what: 'watchdog end' });
  expect(await removeOrphans(ctx, parent.path)).toEqual([{ path: owner.path, endedPids: [] }]);
  expect(readdirSync(parent.path)).toEqual([]);
});

test('a server that lost owner and watchdog is ended by the next start', async () => {
  await using parent = await tempDir();
  await using cluster = await createCluster({ start: false });
  const owner = await startOwner(parent, cluster);
  const watchdog = listProcesses().find(
    ({ parent: ppid, command }) => ppid === owner.pid && command.startsWith('/bin/sh'),
  );
  expect(watchdog).toBeDefined();
  if (watchdog !== undefined) process.kill(watchdog.pid, 'SIGKILL');
  await waitFor(() => !listProcesses().some(({ pid }) => pid === watchdog?.pid), { what: 'end of the watchdog' });
  await kill9(owner.process);

  expect(await removeOrphans(ctx, parent.path)).toEqual([{ path: owner.path, endedPids: [owner.pid] }]);
  expect(processesIn(cluster.dataDirectory)).toEqual([]);
  expect(readdirSync(parent.path)).toEqual([]);
});

test('what died before it had a name is removed after a while, and strangers stay', async () => {
  await using parent = await tempDir();
  await mkdir(parent.join('.understudy-claim-young'));
  await mkdir(parent.join('.understudy-claim-old'));
  await utimes(parent.join('.understudy-claim-old'), 1, 1);
  await mkdir(parent.join('stranger'));
  await chmod(parent.join('stranger'), 0o000);
  await removeOrphans(ctx, parent.path);
  expect(readdirSync(parent.path).toSorted()).toEqual(['.understudy-claim-young', 'stranger']);
});

/** Runs a program that removes orphans and then fills a scratch directory of its own, as an ordinary user. */
function runClosedScratch(parent: TempDir, end: 'killed' | 'ended'): SpawnSyncReturns<string> {
  const { uid, gid } = serverUser() ?? {};
  const program = join(import.meta.dirname, 'fixture/closedScratchOwner.ts');
  return spawnSync(process.execPath, [program, parent.path, end], { uid, gid, cwd: '/', encoding: 'utf8' });
}

test('an ordinary user removes also what is in directories that are closed to everybody', async () => {
  await using parent = await tempDir({ owner: 'server' });
  expect(runClosedScratch(parent, 'killed')).toMatchObject({ signal: 'SIGKILL' });
  expect(readdirSync(parent.path)).toHaveLength(1);
  expect(runClosedScratch(parent, 'ended')).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(parent.path)).toEqual([]);
});

rootOnly('an orphan that cannot be removed keeps nobody from working', async () => {
  await using parent = await tempDir({ owner: 'server' });
  await mkdir(parent.join('understudy-scratch-others/content/of-root'), { recursive: true });
  const { uid, gid } = serverUser()!;
  await chown(parent.join('understudy-scratch-others'), uid, gid);
  expect(runClosedScratch(parent, 'ended')).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(parent.path)).toEqual(['understudy-scratch-others']);
});

rootOnly('what another user has put there, or a link, makes root end no server and remove nothing', async () => {
  await using cluster = await createCluster();
  await using parent = await tempDir();
  await using elsewhere = await tempDir();
  const [pid = ''] = readFileSync(join(cluster.dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  const planted = parent.join('understudy-scratch-planted');
  for (const run of [join(planted, 'run'), elsewhere.join('run')]) {
    await mkdir(run, { recursive: true });
    recordServer(run, { pid: Number(pid), dataDirectory: cluster.dataDirectory });
  }
  await chown(planted, 65_533, 65_533);
  await symlink(elsewhere.path, parent.join('understudy-scratch-linked'));
  await mkdir(parent.join('.understudy-claim-old'));
  await chown(parent.join('.understudy-claim-old'), 65_533, 65_533);
  await utimes(parent.join('.understudy-claim-old'), 1, 1);
  expect(await removeOrphans(ctx, parent.path)).toEqual([]);
  expect(await cluster.sql('select 1 as one')).toEqual([{ one: 1 }]);
  expect(readdirSync(parent.path)).toHaveLength(3);
});

test('a marked process ends with the orphan that it worked with, wherever its parent is', async () => {
  await using parent = await tempDir();
  const orphan = parent.join('understudy-scratch-killed');
  await mkdir(orphan);
  const start = (path: string): ChildProcess =>
    spawn('sleep', ['300'], { env: { ...process.env, ...scratchMark(path) }, detached: true });
  const ended = start(orphan);
  const other = start(`${orphan}-not`);
  const exit = once(ended, 'exit');
  expect(await removeOrphans(ctx, parent.path)).toEqual([{ path: orphan, endedPids: [ended.pid] }]);
  expect(await exit).toEqual([null, 'SIGKILL']);
  expect(other.exitCode).toBeNull();
  await kill9(other);
});
