// needs PostgreSQL's client programs
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBackend } from '../src/backend/openBackend.ts';
import { createContext } from '../src/base/context.ts';
import { Secret } from '../src/base/secret.ts';
import { proofOf } from '../src/monitor/fixture/proofs.ts';
import { Repository } from '../src/repository/repository.ts';
import { needs } from '../src/testing/needs.ts';
import { createCluster, giveToServer, type Cluster } from '../src/testing/postgresServer.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { saveProof } from '../src/verify/proofStore.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, objectsIn, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

const main = join(resolve(import.meta.dirname, '..'), 'src/main.ts');
let directory: TempDir;
let cluster: Cluster;
let repository: string;

/** A server whose archive_command is ours, files, and a configuration that names both and a dump. */
beforeAll(async () => {
  directory = await tempDir({ owner: 'server' });
  repository = directory.join('repository');
  const passwordFile = directory.join('password');
  await writeFile(passwordFile, password);
  const push = ['wal', 'push', '--repo', repository, '--password-file', passwordFile].join(' ');
  cluster = await createCluster({
    settings: { archive_mode: 'on', archive_command: `${process.execPath} ${main} ${push} "%p"` },
  });
  await cluster.sql('create table t as select g as id, md5(g::text) as text from generate_series(1, 5000) g');
  await mkdir(directory.join('app'));
  await writeFile(directory.join('app/index.js'), 'console.log(1)\n');
  const { host, port, user } = cluster.connection;
  const server = `connection: { host: ${host}, port: ${port}, user: ${user} }`;
  await writeFile(
    directory.join('understudy.yaml'),
    `sources:
  database: { kind: postgres, tier: critical, ${server} }
  dump: { kind: dump, tier: critical, ${server}, monitor: { minSize: 1KiB } }
  app: { kind: files, paths: [app], monitor: { maxAge: 8d } }
tiers: { critical: { rpo: 1h, rto: 1h } }
retention: { keepDaily: 7, keepWeekly: 4 }
`,
  );
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function understudy(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const user = serverUser();
  return runProgram(words, {
    environment: { ...repositoryEnvironment(repository), ...environment },
    cwd: directory.path,
    ...(user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } }),
  });
}

async function giveTree(path: string): Promise<void> {
  for (const name of ['', ...(await readdir(path, { recursive: true }))]) await giveToServer(join(path, name));
}

test('whatever keeps it from judging is UNKNOWN, 3, on standard output', async () => {
  const away = await understudy(['monitor']);
  expect(away).toMatchObject({ status: 3, stderr: '' });
  expect(away.stdout).toMatch(/^UNDERSTUDY UNKNOWN - cannot open .*there is no such directory \(create the .*\)\n$/);
  await makeRepository(repository);
  await giveTree(repository);
  const wrong = { UNDERSTUDY_PASSWORD: 'no' };
  for (const words of [['monitor'], ['--repo', repository, 'monitor', 'app']]) {
    const refused = await understudy(words, wrong);
    expect(refused).toMatchObject({ status: 3, stderr: '' });
    expect(refused.stdout).toMatch(/^UNDERSTUDY UNKNOWN - no key of .* opens with this password/);
  }
  const json = await understudy(['monitor', '--json'], wrong);
  expect(jsonLines(json.stdout)).toMatchObject([
    { message_type: 'monitor', state: 'unknown', error: { code: 'wrong-password' } },
  ]);
  const mistyped = await understudy(['monitor', '--jsno']);
  expect(mistyped.stdout).toMatch(/^UNDERSTUDY UNKNOWN - unknown option '--jsno' \(did you mean --json\?/);
  expect(mistyped.status).toBe(3);
  const misnamed = await understudy(['monitor', 'databas']);
  expect(misnamed.stdout).toContain('there is no source "databas", neither configured nor in the repository');
  expect(misnamed.status).toBe(3);
  // the name of a source, not of the command
  expect(await understudy(['backup', 'monitor'])).toMatchObject({ status: 1, stdout: '' });
});

needs('pg_dump')('nothing backed up, never proved, all well, the server gone, a hole in its WAL', async () => {
  const empty = await understudy(['monitor']);
  expect(empty.stdout).toBe(
    'UNDERSTUDY CRITICAL - database: there is no backup; dump: there is no backup; and 1 more\n' +
      ['database', 'dump', 'app'].map((source) => `CRITICAL ${source}: there is no backup\n`).join(''),
  );
  expect(empty.status).toBe(2);
  expect((await understudy(['status'])).stdout).toMatch(/\napp \(files\) {2}CRITICAL\n {2}backups {4}none\n/);

  const backedUp = await understudy(['backup', '--json']);
  expect(backedUp, backedUp.stderr).toMatchObject({ status: 0 });
  const unproved = await understudy(['monitor']);
  expect(unproved.status).toBe(1);
  expect(unproved.stdout).toMatch(/^UNDERSTUDY WARNING - database: no backup of it has ever been proved; /);

  const opened = await Repository.open(createContext(), await openBackend(repository), {
    password: new Secret(password),
  });
  const { sources } = await surveyed();
  for (const { source, kind, backups } of sources) {
    const proof = proofOf({ id: backups[0]!.id, source, kind, at: new Date(), recoveryMs: 90_000 });
    await saveProof(createContext(), opened, proof);
  }
  await giveTree(repository);
  await archiveNow();
  const well = await understudy(['monitor']);
  expect(well.stdout).toMatch(
    /^UNDERSTUDY OK - 3 sources are backed up and proved; the most that would be lost now is \d+ s \(\w+\) \| /,
  );
  expect(well.stdout).toMatch(
    / database_age=\d+s;93600;;0 database_size=\d+B;1048576:;;0 database_exposure=\d+s;2880;3600;0/,
  );
  expect(well.stdout).toMatch(/ dump_size=\d+B;1024:;;0 dump_exposure=\d+s;;;0/); // base backups and WAL keep its RPO
  expect(well.stdout).toMatch(/app_age=\d+s;691200;;0 app_size=15B;;;0/);
  expect(well).toMatchObject({ status: 0, stderr: '' });
  expect((await understudy(['monitor', 'app'])).stdout).toMatch(/^UNDERSTUDY OK - app is backed up and proved; if it /);

  const report = await understudy(['status']);
  expect(report).toMatchObject({ status: 0, stderr: '' });
  expect(report.stdout).toMatch(/^OK 3 sources are backed up and proved/);
  expect(report.stdout).toMatch(/\ndatabase \(postgres, tier critical\) {2}OK\n {2}backups {4}1 backup since \d/);
  expect(report.stdout).toMatch(/\n {2}sizes {6}\.{6}# {2}7 days, [\d.]+ MiB\n/);
  expect(report.stdout).toMatch(/ {2}exposure {3}(\d+ s|nothing) would be lost now, of at most 1 h \(by WAL, as of /);
  expect(report.stdout).toMatch(/ {2}recovery {3}1 min 30 s, of at most 1 h \(proved \d{4}-/);
  expect(report.stdout).toMatch(/ {2}WAL {8}\d+ segments, .*\n {13}recovers to any moment from \d.* to \d.*\n/);
  expect(report.stdout).toMatch(/ {2}retention {2}daily 1\/7, weekly 1\/4\n/);
  expect(report.stdout).toMatch(/\nrepository local:.*\n {2}size {7}.*of which WAL .*\n {13}.* written in 7 days/);
  expect(report.stdout).toMatch(/\n\nnothing needs attention\n$/);
  expect((await understudy(['status'], { LANG: 'C.UTF-8' })).stdout).toContain('······█');
  const alone = await runProgram(['status', '--quiet'], { environment: repositoryEnvironment(repository), cwd: '/' });
  expect(alone).toMatchObject({ status: 0, stderr: '' });
  expect(alone.stdout).toMatch(/\ndump \(dump\) {2}/); // without a configuration

  await cluster.sql("alter system set archive_timeout = '60s'");
  await cluster.sql('select pg_reload_conf()');
  await cluster.sql('insert into t values (0)');
  const [handing] = (await surveyed()).sources.filter(({ source }) => source === 'database');
  expect(handing).toMatchObject({ wal: { server: 'at-most' } });
  expect(handing!.exposure_ms).toBeLessThanOrEqual(60_000);

  await cluster.stop();
  const [database] = (await surveyed()).sources.filter(({ source }) => source === 'database');
  expect(database).toMatchObject({ wal: { server: 'unreachable', backup_needed: false } });
  expect(database!.exposure_ms).toBeLessThan(3_600_000);
  expect((await understudy(['monitor', 'database'])).status).toBe(0);

  await cluster.start();
  const wal = walSegments();
  await archiveNow();
  await archiveNow();
  const lost = walSegments().filter((name) => !wal.includes(name))[0]!;
  await rm(join(repository, 'wal', lost));
  const broken = await understudy(['monitor', 'database']);
  expect(broken.status).toBe(2);
  expect(broken.stdout).toMatch(
    /^UNDERSTUDY CRITICAL - database: its newest WAL cannot be recovered: .* is missing, and no /,
  );
});

interface SurveyedSource {
  readonly source: string;
  readonly kind: 'postgres' | 'dump' | 'files';
  readonly backups: readonly { readonly id: string }[];
  readonly exposure_ms: number;
}

/** What `--json` says; one document. */
async function surveyed(): Promise<{ readonly sources: readonly SurveyedSource[] }> {
  const lines = jsonLines((await understudy(['monitor', '--json'])).stdout);
  expect(lines).toHaveLength(1);
  return lines[0] as never;
}

function walSegments(): string[] {
  const path = join(repository, 'wal');
  return existsSync(path) ? objectsIn(path) : [];
}

/** Commits something, and waits until it is archived. */
async function archiveNow(): Promise<void> {
  const before = walSegments().length;
  await cluster.sql('insert into t values (0)');
  await cluster.sql('select pg_switch_wal()');
  await waitFor(() => walSegments().length > before, { what: 'archived WAL' });
}
