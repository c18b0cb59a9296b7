import { chmod, chown, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createContext } from '../src/base/context.ts';
import { RepositoryLock } from '../src/repository/lock.ts';
import type { Repository } from '../src/repository/repository.ts';
import { rootOnly } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { oldServer } from './fixture/oldServer.ts';
import { runProgram, type ProgramOptions } from './fixture/program.ts';
import { listing, makeRepository, repositoryEnvironment } from './fixture/repository.ts';

/** Nobody's user and group, as everywhere. */
const nobody = { uid: 65534, gid: 65534 };

let cluster: Cluster;
let directory: TempDir;
let repository: Repository;
let path: string;
let before: string[];

beforeAll(async () => {
  cluster = await createCluster({ tcp: true });
  directory = await tempDir();
  path = directory.join('repository');
  repository = await makeRepository(path);
  const rules = join(cluster.dataDirectory, 'pg_hba.conf');
  await writeFile(rules, `host all secured 127.0.0.1/32 scram-sha-256\n${await readFile(rules, 'utf8')}`);
  await cluster.sql(`create role secured superuser login password 'right'; select pg_reload_conf()`);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});
beforeEach(() => {
  before = listing(directory.path);
});

interface Expected {
  readonly code: string;
  readonly exit: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** The command fails with one line and a hint, the same as JSON, and leaves everything as it was. */
async function refused(words: readonly string[], expected: Expected, options: ProgramOptions = {}): Promise<void> {
  const environment = { ...repositoryEnvironment(path), ...options.environment };
  const text = await runProgram(words, { cwd: directory.path, ...options, environment });
  const json = await runProgram([...words, '--json'], { cwd: directory.path, ...options, environment });
  expect({ ...text, stderr: text.stderr.split('\n') }).toEqual({
    status: expected.exit,
    stdout: '',
    stderr: [
      expect.stringMatching(new RegExp(`^understudy: .*${expected.message.source}`)),
      expect.stringMatching(new RegExp(`^hint: .*${expected.hint.source}`)),
      '',
    ],
  });
  expect({ status: json.status, error: JSON.parse(json.stderr) as unknown }).toMatchObject({
    status: expected.exit,
    error: { message_type: 'error', code: expected.code, exit: expected.exit },
  });
  expect(listing(directory.path)).toEqual(before);
}

function backupOver(host: string, port: number, ...more: readonly string[]): string[] {
  return ['backup', '--host', host, '--port', String(port), '--user', 'postgres', ...more];
}

function backup(...more: readonly string[]): string[] {
  return backupOver(cluster.connection.host, cluster.connection.port, ...more);
}

test.each([[['snapshots']], [['check']], [['ls', 'latest']], [['key', 'list']], [['unlock']]])(
  'wrong password: %j',
  async (words) => {
    await refused(
      words,
      {
        code: 'wrong-password',
        exit: 12,
        message: /no key of .* opens with this password/,
        hint: /is it the password/,
      },
      { environment: { UNDERSTUDY_PASSWORD: 'wrong' } },
    );
  },
);

test('wrong password of the repository, while the server is reached', async () => {
  await refused(
    backup(),
    { code: 'wrong-password', exit: 12, message: /no key of .* opens with this password/, hint: /is it the password/ },
    { environment: { UNDERSTUDY_PASSWORD: 'wrong' } },
  );
});

test('no repository at the place', async () => {
  const missing = {
    code: 'repository-missing',
    exit: 10,
    message: /there is no such directory/,
    hint: /understudy init/,
  };
  await refused(backup('--repo', 'nowhere'), missing);
  await refused(['snapshots', '--repo', 'nowhere'], missing);
});

test('a repository where there is one already', async () => {
  await refused(['init'], {
    code: 'repository-exists',
    exit: 1,
    message: /already a repository/,
    hint: /choose an empty place/,
  });
});

test('no repository named, and no password to be had', async () => {
  await refused(
    ['snapshots'],
    { code: 'config-missing', exit: 2, message: /no repository is named/, hint: /--repo/ },
    { environment: { UNDERSTUDY_REPOSITORY: '' } },
  );
  await refused(
    ['snapshots'],
    { code: 'usage', exit: 2, message: /no password is given and there is no terminal/, hint: /--password-file/ },
    { environment: { UNDERSTUDY_PASSWORD: '' } },
  );
});

test('locked by somebody else', async () => {
  await using _lock = await RepositoryLock.acquire(createContext(), repository, { exclusive: true });
  before = listing(directory.path);
  const locked = {
    code: 'repository-locked',
    exit: 11,
    message: /locked exclusively by .* \(pid /,
    hint: /--retry-lock/,
  };
  await refused(backup(), locked);
  await refused(['check'], locked);
  await refused(['forget', '--keep-last', '1'], locked);
  await refused(['prune'], locked);
  await refused(['key', 'add', '--new-password-file', '/etc/hostname'], locked);
});

test('a closed port, a socket that is not there, a name that nobody knows', async () => {
  const { port } = await closedPort();
  await refused(backupOver('127.0.0.1', port), {
    code: 'postgres-unreachable',
    exit: 1,
    message: /ECONNREFUSED/,
    hint: /is the server running/,
  });
  await refused(backupOver(directory.path, 5432), {
    code: 'postgres-unreachable',
    exit: 1,
    message: /ENOENT/,
    hint: /there is no socket here/,
  });
});

test('a wrong password of PostgreSQL', async () => {
  const words = ['backup', '--host', '127.0.0.1', '--port', String(cluster.connection.port), '--user', 'secured'];
  const denied = { code: 'postgres-denied', exit: 1, message: /password authentication failed/, hint: /password/ };
  await refused(words, denied, { environment: { PGPASSWORD: 'wrong', PGDATABASE: 'postgres' } });
  await refused([...words, '--method', 'stream'], denied, { environment: { PGPASSWORD: 'wrong' } });
});

test('a version of PostgreSQL that is too old or too new', async () => {
  for (const version of ['12.22', '19.0']) {
    await using server = await oldServer(version);
    await refused(backupOver('127.0.0.1', server.port), {
      code: 'postgres-unsupported',
      exit: 1,
      message: new RegExp(version.split('.')[0]!),
      hint: /13 to 18/,
    });
  }
});

test('a wrong command line', async () => {
  const usage = { code: 'usage', exit: 2 };
  await refused(['backup', '--methd', 'files'], { ...usage, message: /unknown option '--methd'/, hint: /--method/ });
  await refused(['bakcup'], { ...usage, message: /unknown command 'bakcup'/, hint: /did you mean backup\?/ });
  await refused(backup('--method', 'copy'), {
    ...usage,
    message: /--method: expected auto, files, stream/,
    hint: /--help/,
  });
  await refused(backup('--chunk-size', '3MiB'), { ...usage, message: /chunks of 3145728 bytes/, hint: /power of two/ });
  await refused(backup('bad/name'), { ...usage, message: /cannot be the name of a source/, hint: /letters/ });
  await refused(['check', '--read-data-subset', '6/5'], { ...usage, message: /6\/5/, hint: /1\/5/ });
  await refused(['forget'], { ...usage, message: /no rule/, hint: /--keep-daily/ });
  await refused(['forget', '--keep-daily', 'all'], { ...usage, message: /"all" is not a number/, hint: /unlimited/ });
  await refused(['forget', 'abcd', '--keep-last', '1'], { ...usage, message: /named and rules/, hint: /either/ });
  await refused(['prune', '--max-unused', '100%'], { ...usage, message: /"100%" is no limit/, hint: /below 100%/ });
  await refused(['snapshots', '--group-by', 'size'], {
    ...usage,
    message: /cannot group snapshots by "size"/,
    hint: /host/,
  });
});

test('a typing mistake in the configuration, and a source that it does not have', async () => {
  const config = directory.join('understudy.yaml');
  await writeFile(config, 'sources:\n  main:\n    kind: postgres\n    conection: {}\n');
  before = listing(directory.path);
  await refused(['backup'], {
    code: 'config-invalid',
    exit: 2,
    message: /understudy\.yaml:4: unknown key "conection"/,
    hint: /did you mean "connection"\?/,
  });
  await writeFile(config, 'sources:\n  main:\n    kind: postgres\n');
  before = listing(directory.path);
  await refused(['backup', 'mian'], {
    code: 'not-found',
    exit: 1,
    message: /no source "mian"/,
    hint: /did you mean "main"\?/,
  });
  await refused(['backup', '--config', 'other.yaml'], {
    code: 'config-missing',
    exit: 2,
    message: /other\.yaml does not exist/,
    hint: /--config/,
  });
});

test('files, snapshots and keys that do not exist', async () => {
  await refused(
    ['snapshots', '--password-file', 'none'],
    { code: 'file-missing', exit: 1, message: /password file none does not exist/, hint: /is the path right\?/ },
    { environment: { UNDERSTUDY_PASSWORD: '' } },
  );
  await refused(backup('--method', 'files', '--data-directory', directory.path), {
    code: 'file-missing',
    exit: 1,
    message: /pg_control/,
    hint: /data directory/,
  });
  await refused(['ls', 'abcd'], {
    code: 'not-found',
    exit: 1,
    message: /no snapshot id begins with abcd/,
    hint: /understudy snapshots/,
  });
  await refused(['dump', 'latest', 'x'], {
    code: 'not-found',
    exit: 1,
    message: /no snapshot latest/,
    hint: /understudy snapshots/,
  });
  await refused(['key', 'remove', 'abcd'], {
    code: 'not-found',
    exit: 1,
    message: /no key id begins/,
    hint: /key list/,
  });
});

test('the key in use cannot be removed', async () => {
  await refused(['key', 'remove', repository.keyId], {
    code: 'key-in-use',
    exit: 1,
    message: /is the one that opened the repository/,
    hint: /another password/,
  });
});

rootOnly('a data directory that this user may not read', async () => {
  await using own = await tempDir();
  const readable = own.join('repository');
  await makeRepository(readable);
  await giveTo(own.path, nobody);
  const environment = repositoryEnvironment(readable);
  const kept = listing(own.path);
  await refused(
    backup('--method', 'files'),
    {
      code: 'file-denied',
      exit: 1,
      message: /cannot read .*data/,
      hint: /as the operating system user of the server/,
    },
    { environment, user: nobody, cwd: '/' },
  );
  expect(listing(own.path)).toEqual(kept);
  // auto takes the other way, and says why
  const automatic = await runProgram(backup(), { environment, user: nobody });
  expect(automatic.stdout).toMatch(/method stream \(EACCES: permission denied/);
  expect(automatic.status).toBe(0);
});

async function giveTo(root: string, owner: { uid: number; gid: number }): Promise<void> {
  for (const name of ['', ...(await readdir(root, { recursive: true }))]) {
    await chown(join(root, name), owner.uid, owner.gid);
  }
  await chmod(root, 0o700);
}

async function closedPort(): Promise<{ port: number }> {
  await using server = await oldServer('15.0');
  return { port: server.port };
}
