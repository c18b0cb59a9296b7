import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../src/base/context.ts';
import { serializeLock } from '../src/repository/lockDocument.ts';
import type { Repository } from '../src/repository/repository.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { jsonLines, runProgram, type Outcome } from './fixture/program.ts';
import { filesIn, makeRepository, repositoryEnvironment } from './fixture/repository.ts';

let cluster: Cluster;
let directory: TempDir;
let repository: Repository;

beforeAll(async () => {
  cluster = await createCluster();
  directory = await tempDir();
  repository = await makeRepository(directory.join('repository'));
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function run(words: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const named = repositoryEnvironment(directory.join('repository'));
  return runProgram(words, { cwd: directory.path, environment: { ...named, HOME: directory.path, ...environment } });
}

test('keys: added, listed, changed, removed; each password opens as long as its key is there', async () => {
  const second = directory.join('second');
  const third = directory.join('third');
  writeFileSync(second, 'second password\n');
  writeFileSync(third, 'third password\n');
  const added = await run(['key', 'add', '--new-password-file', second, '--user', 'safe', '--json']);
  const [{ id }] = jsonLines(added.stdout) as [{ id: string }];
  const keys = jsonLines((await run(['key', 'list', '--json'])).stdout);
  expect(keys).toMatchObject([{ current: true }, { id, current: false, username: 'safe' }]);

  const withSecond = { UNDERSTUDY_PASSWORD: 'second password' };
  expect((await run(['key', 'passwd', '--new-password-file', third], withSecond)).stdout).toMatch(
    /^changed the password/,
  );
  expect((await run(['key', 'list'], withSecond)).status).toBe(12);
  const withThird = { UNDERSTUDY_PASSWORD: 'third password' };
  const [current] = jsonLines((await run(['key', 'list', '--json'], withThird)).stdout) as [{ id: string }];
  expect((await run(['key', 'remove', current.id])).stdout).toBe(`removed key ${current.id.slice(0, 8)}\n`);
  expect((await run(['key', 'list'], withThird)).status).toBe(12);
  expect((await run(['key', 'list'])).status).toBe(0);
});

test('the unwrapped key: saved on wish with a warning, private, used instead of the password, forgotten', async () => {
  const file = directory.join('private/key');
  const environment = { UNDERSTUDY_KEY_CACHE_FILE: file };
  const saved = await run(['cache', 'save-key'], environment);
  expect(saved).toMatchObject({ status: 0, stderr: expect.stringContaining('reads every backup without a password') });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await run(['cache', 'list'], environment)).stdout).toContain(`${file}  of repository`);
  expect((await run(['snapshots'], { ...environment, UNDERSTUDY_PASSWORD: '' })).status).toBe(0);
  expect((await run(['cache', 'clear'], environment)).stdout).toContain(`removed the unwrapped key ${file}`);
  expect((await run(['cache', 'list'], environment)).stdout).not.toContain('of repository');
  await run(['cache', 'save-key', '--file', file]);
  expect((await run(['cache', 'forget-key'], environment)).stdout).toBe(`removed the unwrapped key ${file}\n`);
  expect((await run(['snapshots'], { ...environment, UNDERSTUDY_PASSWORD: '' })).status).toBe(2);
});

test('unlock removes the lock of a client that is gone, and with --remove-all every lock', async () => {
  const ctx = createContext();
  const { pid } = spawnSync('true');
  const lock = { exclusive: true, hostname: hostname(), username: 'somebody' };
  await repository.saveDocument(ctx, 'locks', serializeLock({ ...lock, time: new Date(), pid }));
  await repository.saveDocument(ctx, 'locks', serializeLock({ ...lock, hostname: 'elsewhere', time: new Date(), pid }));
  expect((await run(['check'])).status).toBe(11);
  const stale = await run(['unlock']);
  expect(stale.stdout).toMatch(/^removed: lock .* by somebody@.*\nstill there: lock .* by somebody@elsewhere/);
  expect((await run(['snapshots'])).status).toBe(0);
  expect(jsonLines((await run(['unlock', '--remove-all', '--json'])).stdout)).toMatchObject([
    { message_type: 'unlocked', hostname: 'elsewhere' },
  ]);
  expect(filesIn(directory.join('repository/locks'))).toEqual([]);
});

test('doctor looks at repository, server, WAL and programs, and changes nothing', async () => {
  const { host, port, user } = cluster.connection;
  const words = ['doctor', 'shop', '--host', host, '--port', String(port), '--user', user];
  const { status, stdout, stderr } = await run([...words, '--json']);
  const findings = new Map(jsonLines(stdout).map((finding) => [finding['check'] as string, finding]));
  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const check of ['repository', 'repository lock', 'shop: method', 'shop: wal_level', 'PostgreSQL 15 programs']) {
    expect(findings.get(check), check).toMatchObject({ verdict: 'ok' });
  }
  expect(findings.get('shop: fsync')).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('power') });
  expect(findings.get('shop: WAL')).toMatchObject({
    verdict: 'warning',
    hint: expect.stringMatching(/wal receive shop .*archive_command = .*wal push .*"%p"'/),
  });
  expect(filesIn(directory.join('repository/locks'))).toEqual([]);
  const unreachable = await run(['doctor', '--host', directory.path]);
  expect(unreachable.stdout).toMatch(/failed {3}main: server: connecting to PostgreSQL at /);
  expect(unreachable.status).toBe(1);
});

test('of several sources one that fails does not stop the others', async () => {
  const { host, port } = cluster.connection;
  const connection = `{ host: ${host}, port: ${port}, user: postgres }`;
  const sources = `sources:
  absent: { kind: postgres, connection: { host: ${directory.path} } }
  main: { kind: postgres, method: stream, connection: ${connection} }
`;
  writeFileSync(directory.join('understudy.yaml'), sources);
  const { status, stdout, stderr } = await run(['backup', '--quiet']);
  expect(stdout).toMatch(/^main: snapshot .* method stream/);
  const [warning, error, hint] = stderr.split('\n');
  expect(warning).toMatch(/^warning: absent: connecting to PostgreSQL at .*\(there is no socket here/);
  expect(error).toBe('understudy: 1 of 2 sources failed');
  expect(hint).toMatch(/^hint: /);
  expect(status).toBe(1);
  const listed = jsonLines((await run(['snapshots', '--source', 'main', '--json'])).stdout);
  expect(listed).toHaveLength(1);
});
