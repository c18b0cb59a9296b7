import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBackend } from '../src/backend/openBackend.ts';
import { systemClock } from '../src/base/clock.ts';
import { createContext } from '../src/base/context.ts';
import { Secret } from '../src/base/secret.ts';
import { gatherFacts } from '../src/monitor/gatherFacts.ts';
import { judge } from '../src/monitor/judge.ts';
import { defaultObjectives } from '../src/monitor/objectives.ts';
import { Repository } from '../src/repository/repository.ts';
import { createCluster, giveToServer, type Cluster } from '../src/testing/postgresServer.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { makeStandby } from '../src/testing/standby.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, objectsIn, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

const main = join(resolve(import.meta.dirname, '..'), 'src/main.ts');
const hourMs = 3_600_000;
let directory: TempDir;
let primary: Cluster;
let repository: string;

beforeAll(async () => {
  directory = await tempDir({ owner: 'server' });
  repository = directory.join('repository');
  await makeRepository(repository);
  for (const name of ['', ...(await readdir(repository, { recursive: true }))]) {
    await giveToServer(join(repository, name));
  }
  primary = await createCluster();
  await primary.sql('create table t (id int)');
  await writeConfig('primary', primary);
});

afterAll(async () => {
  await primary[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

type Server = { readonly connection: { readonly host: string; readonly port: number; readonly user: string } };

async function writeConfig(name: string, { connection: { host, port, user } }: Server): Promise<void> {
  const source = `{ kind: postgres, tier: critical, connection: { host: ${host}, port: ${port}, user: ${user} } }`;
  const tiers = 'tiers: { critical: { rpo: 1h, rto: 1h } }';
  await writeFile(directory.join(`${name}.yaml`), `sources:\n  database: ${source}\n${tiers}\n`);
}

function understudy(words: readonly string[]): Promise<Outcome> {
  const user = serverUser();
  return runProgram(words, {
    environment: repositoryEnvironment(repository),
    cwd: directory.path,
    ...(user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } }),
  });
}

async function backUp(): Promise<void> {
  const outcome = await understudy(['--config', 'primary.yaml', 'backup', '--json']);
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
}

/** What `monitor` says when that server is the configured one. */
async function seenFrom(server: string) {
  const { stdout } = await understudy(['--config', `${server}.yaml`, 'monitor', '--json']);
  const [{ state, sources: [source] = [], findings = [] } = {}] = jsonLines(stdout) as {
    state?: string;
    sources?: { server: object; wal: { last_commit: string; backup_needed: boolean }; exposure_ms: number | null }[];
    findings?: { rule: string; severity: string; message: string }[];
  }[];
  return { state, source: source!, findings };
}

/** Commits something; when it is archived, the moment after. */
async function archive(cluster: Cluster): Promise<Date> {
  await cluster.sql('insert into t values (1)');
  const [row] = await cluster.sql<{ name: string; time: Date }>(
    'select pg_walfile_name(pg_current_wal_lsn()) as name, clock_timestamp() as time',
  );
  await cluster.sql('select pg_switch_wal()');
  await waitFor(() => objectsIn(repository).some((path) => path.endsWith(row!.name)), { what: row!.name });
  return row!.time;
}

test('without any WAL in the repository half an hour would be lost half an hour after the backup', async () => {
  await backUp();
  const clock = { ...systemClock, now: () => new Date(Date.now() + hourMs / 2) };
  const ctx = createContext({ clock });
  const opened = await Repository.open(ctx, await openBackend(repository), { password: new Secret(password) });
  const [policyOf, askServer] = [() => undefined, () => Promise.resolve(undefined)];
  const facts = await gatherFacts(ctx, opened, { sources: undefined, policyOf, askServer });
  const tier = { name: 'critical', rpoMs: hourMs, rtoMs: hourMs };
  const objectives = new Map([['database', { ...defaultObjectives('postgres'), tier }]]);
  const findings = judge(facts, { objectives, sources: undefined }, clock.now());
  expect(findings.find(({ rule }) => rule === 'exposure')).toMatchObject({ severity: 'ok' });
  expect(findings.find(({ rule }) => rule === 'exposure')?.message).toMatch(/, 30 min( \d+ s)? would be lost; tier/);
  expect(findings.find(({ rule }) => rule === 'wal')?.message).toContain('no WAL is archived');
  const status = await understudy(['--config', 'primary.yaml', 'status']);
  expect(status.stdout).toMatch(/\n {2}WAL {8}none is archived\n/);
});

test('of two histories the one of the configured server counts; one that no backup leads to is critical', async () => {
  const passwordFile = directory.join('password');
  await writeFile(passwordFile, password);
  const push = ['wal', 'push', '--repo', repository, '--password-file', passwordFile].join(' ');
  const archiveCommand = `${process.execPath} ${main} ${push} "%p"`;
  await primary.configure({ archive_mode: 'on', archive_command: 'false' });
  await primary.restart();
  await primary.sql('insert into t values (0)');
  await primary.sql('select pg_switch_wal()');
  await waitFor(async () => (await primary.sql('select 1 from pg_stat_archiver where failed_count > 0')).length > 0, {
    what: 'failed archiving',
  });
  const failing = await seenFrom('primary');
  expect(failing.findings.find(({ rule }) => rule === 'server')).toMatchObject({ severity: 'warning' });
  expect(failing.findings.find(({ rule }) => rule === 'server')?.message).toMatch(
    /^the server fails to archive WAL \(0{7}1.*; it has never succeeded; files that wait: \d+$/,
  );

  await primary.configure({ archive_command: archiveCommand });
  await primary.restart();
  await archive(primary);
  await backUp();
  await using standby = await makeStandby(primary);
  await standby.promote();
  await writeConfig('promoted', standby);
  const onPromoted = await archive(standby);
  const onPrimary = await archive(primary);
  const [old, fresh] = [await seenFrom('primary'), await seenFrom('promoted')];
  for (const { state, source } of [old, fresh]) {
    expect(state).toBe('warning'); // never proved
    expect(source).toMatchObject({ wal: { backup_needed: false }, server: { is_another_cluster: false } });
  }
  expect(new Date(old.source.wal.last_commit).getTime()).toBeGreaterThan(onPromoted.getTime());
  expect(new Date(fresh.source.wal.last_commit).getTime()).toBeLessThanOrEqual(onPromoted.getTime());

  const before = await readdir(join(repository, 'snapshots'));
  await backUp(); // of the history that was left
  for (const name of before) await rm(join(repository, 'snapshots', name));
  const lost = await seenFrom('promoted');
  expect(lost.state).toBe('critical');
  expect(lost.findings.find(({ severity }) => severity === 'critical')?.message).toBe(
    'its newest WAL cannot be recovered: it follows no good backup, and no base backup has been made since',
  );
  const kept = await seenFrom('primary');
  expect(kept.state).toBe('warning');
  expect(kept.source.exposure_ms).toBeLessThan(Date.now() - onPrimary.getTime());

  // takes connections and never answers
  await using silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await writeConfig('silent', { connection: { host: '127.0.0.1', port, user: 'postgres' } });
  const report = await understudy(['--config', 'silent.yaml', 'status']);
  expect(report.stdout).toContain('the server cannot be asked: no answer within 5 s\n');

  await using other = await createCluster();
  await writeConfig('other', other);
  const another = await seenFrom('other');
  expect(another.state).toBe('critical');
  expect(another.source).toMatchObject({ server: { is_another_cluster: true }, exposure_ms: null });
});
