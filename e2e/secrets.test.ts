// needs PostgreSQL's client programs
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { LeakWatch, plantedSecret } from './fixture/leakWatch.ts';
import { outcomeOf, startProgram, type Outcome } from './fixture/program.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const names = [
  'repository password in the environment',
  'repository password in a file',
  'repository password from a command',
  'wrong repository password',
  'password in a connection URI',
  'password of a connection',
  'password in a variable',
  'PGPASSWORD',
  'password in a password file',
  'password in a passfile',
  'wrong password of a connection',
  'password for a host that is not there',
  'content of .env',
  'credentials of a git remote',
  'credentials of a configured git remote',
  'secret parameter of a plan',
  'connection of a plan',
] as const;

type Planted = (typeof names)[number];

/** What may hold a secret, and why. Nothing else may, the key cache and the restored cluster neither. */
const exceptions = {
  'understudy.yaml': 'the configuration itself, written by the user: passwords and remotes stand in it',
  'private': 'password files, a passfile and the signing key of the user',
  'app': 'what is backed up: .env, and the repository of git with its own configuration',
  'restored': 'files restored, the secret one with mode 0600',
};

const secrets = new Map(names.map((name) => [name, plantedSecret()]));
const value = (name: Planted): string => secrets.get(name)?.value ?? '';
const roles = {
  role_uri: 'password in a connection URI',
  role_option: 'password of a connection',
  role_variable: 'password in a variable',
  role_environment: 'PGPASSWORD',
  role_file: 'password in a password file',
  role_passfile: 'password in a passfile',
} as const;

let directory: TempDir;
let cluster: Cluster;
let environment: Record<string, string>;

beforeAll(async () => {
  directory = await tempDir();
  cluster = await createCluster();
  for (const [role, name] of Object.entries(roles))
    await cluster.sql(`create role ${role} superuser login password '${value(name).replaceAll("'", "''")}'`);
  const hba = join(cluster.dataDirectory, 'pg_hba.conf');
  const lines = Object.keys(roles).map((role) => `local all ${role} scram-sha-256\nlocal replication ${role} trust\n`);
  writeFileSync(hba, lines.join('') + readFileSync(hba, 'utf8'));
  await cluster.sql('select pg_reload_conf()');
  await cluster.sql('create table events as select g as id from generate_series(1, 100) g');
  for (const name of ['private', 'app', 'temporary', 'state']) mkdirSync(directory.join(name), { mode: 0o700 });
  chmodSync(directory.join('temporary'), 0o711); // sandboxes of the server's user are made in it
  makeApplication();
  writePasswords();
  writeFileSync(directory.join('understudy.yaml'), JSON.stringify(configuration()), { mode: 0o600 });
  writeFileSync(directory.join('failing.yaml'), JSON.stringify(failingPlan()));
  writeFileSync(directory.join('hanging.yaml'), JSON.stringify(hangingPlan()));
  environment = {
    UNDERSTUDY_CONFIG: directory.join('understudy.yaml'),
    UNDERSTUDY_PASSWORD: value('repository password in the environment'),
    APP_DB_PASSWORD: value('password in a variable'),
    PGPASSWORD: value('PGPASSWORD'),
    PLAN_TOKEN: value('secret parameter of a plan'),
    PLAN_DATABASE: uri('role_uri', value('connection of a plan')),
    TMPDIR: directory.join('temporary'),
    XDG_STATE_HOME: directory.join('state'),
    XDG_CACHE_HOME: directory.join('state'),
    HOME: directory.join('state'),
  };
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

test('no secret of the configuration is in an output, log, report, command line or file', async () => {
  const cores = new Map<string, string>([...secrets].map(([name, { core }]) => [name, core]));
  cores.set('signing key', makeSigningKey());
  using watch = new LeakWatch(cores);
  expect(watch.leaks(directory.path, []).map(({ place }) => place)).toContain('file understudy.yaml'); // it does see

  const outcomes = new Map<string, Outcome>();
  const run = async (words: readonly string[], more: Record<string, string> = {}): Promise<void> => {
    const log = ['--verbose', '--log-file', directory.join('understudy.log')];
    outcomes.set(words.join(' '), await watch.run([...words, ...log], { environment: { ...environment, ...more } }));
  };
  const toldOf = (words: readonly string[]): string =>
    `${words.join(' ')}: ${outcomes.get(words.join(' '))?.stderr.split('\n').slice(-4).join('\n')}`;
  for (const words of preparing()) await run(words);
  await run(['backup', 'passfile'], { PGPASSWORD: '', PGPASSFILE: directory.join('private/passfile') });
  await Promise.all([runAll(run, succeeding()), runAll(run, failing())]);
  await run(['snapshots'], {
    UNDERSTUDY_PASSWORD: value('wrong repository password'),
    UNDERSTUDY_KEY_CACHE_FILE: directory.join('no-key'), // with the cached one the password would not be looked at
  });
  expect(outcomes.get('snapshots')?.status).toBe(12);
  await killedRuns(watch);
  for (const words of afterwards()) await run(words);

  expect(watch.leaks(directory.path, Object.keys(exceptions))).toEqual([]);
  for (const words of [...preparing(), ...succeeding()])
    expect([0, 3], toldOf(words)).toContain(outcomes.get(words.join(' '))?.status);
  expect(outcomes.get('backup passfile')?.status).toBe(0);
  for (const words of failing())
    expect([0, null, 2, 70], toldOf(words)).not.toContain(outcomes.get(words.join(' '))?.status);
  expect(outcomes.get('verify --source option --level 5 --json')?.stdout).toContain('tells all');
  for (const program of ['pg_dump', 'git ', 'pg_restore', 'sleep'])
    expect(
      watch.commandLines.some((line) => line.includes(program)),
      program,
    ).toBe(true);
});

test('the watch sees a secret in every notation, also in the middle of what is encoded', async () => {
  const { core, value: secret } = plantedSecret();
  const notations = [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('hex'),
    ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${secret}`).toString('base64url')),
  ];
  await using empty = await tempDir();
  for (const notation of notations) {
    using watch = new LeakWatch(new Map([['it', core]]));
    watch.heard('control', notation);
    expect(watch.leaks(empty.path, []), notation).toHaveLength(1);
  }
});

type Run = (words: readonly string[]) => Promise<void>;

async function runAll(run: Run, commands: readonly (readonly string[])[]): Promise<void> {
  for (const words of commands) await run(words);
}

function preparing(): string[][] {
  const file = (name: string): string => directory.join('private', name);
  return [
    ['init'],
    ['key', 'add', '--new-password-file', file('repository'), '--json'],
    ['key', 'add', '--new-password-file', file('repository-2')],
    ['backup', 'uri', 'option', 'variable', 'environment', 'file', 'settings', 'code', '--json'],
    ['backup', 'cluster'],
  ];
}

function succeeding(): string[][] {
  const runs = ['--runs', directory.join('runs')];
  const byFile = ['--password-file', directory.join('private/repository')];
  const byCommand = ['--password-command', `cat ${directory.join('private/repository-2')}`];
  return [
    ['backup', 'settings', ...byFile, '--json'],
    ['key', 'list', ...byCommand],
    ['cache', 'save-key', ...byCommand],
    ['snapshots', '--json'],
    ['ls', 'latest', '--source', 'settings'],
    ['check', '--json', ...byFile],
    ['verify', '--source', 'uri', '--json'],
    ['doctor', '--json'],
    ['forget', '--keep-last', '1', '--prune', '--dry-run', '--json'],
    ['restore', 'files', 'latest', '--source', 'settings', '--target-dir', directory.join('restored')],
    [
      'restore',
      'table',
      'events',
      '--source',
      'uri',
      '--into',
      'postgres',
      '--as',
      'again',
      ...server('role_environment'),
    ],
    ['restore', '--source', 'cluster', '--target-dir', directory.join('cluster')],
    ['plan', 'print', directory.join('failing.yaml'), '--format', 'html'],
    ['drill', 'run', directory.join('failing.yaml'), ...runs, '--json'],
  ];
}

function failing(): string[][] {
  return [
    ['backup', 'wrong-host', '--json'],
    ['backup', 'wrong-password'],
    ['verify', '--source', 'option', '--level', '5', '--json'],
    ['restore', 'database', 'postgres', '--source', 'uri', '--into', 'b', ...server('role_uri')],
    ['plan', 'run', directory.join('failing.yaml'), '--set', 'critical=true', '--runs', directory.join('runs')],
  ];
}

function afterwards(): string[][] {
  const runs = ['--runs', directory.join('runs')];
  return [
    ['drill', 'show', 'latest', '--format', 'html', ...runs],
    ['plan', 'status', 'latest', '--json', ...runs],
    ['evidence', 'list', '--json'],
    ['evidence', 'export', directory.join('audit')],
    ['status', '--json'],
    ['monitor'],
  ];
}

/** Ended without warning: a dump while pg_dump runs, and a plan while a step with a secret runs. */
async function killedRuns(watch: LeakWatch): Promise<void> {
  const hanging = directory.join('hanging.pid');
  const dumps = (): number => watch.commandLines.filter((line) => line.includes('pg_dump')).length;
  const before = dumps();
  await killWhen(watch, ['backup', 'uri'], () => dumps() > before);
  const plan = ['plan', 'run', directory.join('hanging.yaml'), '--runs', directory.join('runs')];
  await killWhen(watch, plan, () => existsSync(hanging) && readFileSync(hanging, 'utf8').endsWith('\n'));
  process.kill(Number(readFileSync(hanging, 'utf8'))); // nobody else would
}

async function killWhen(watch: LeakWatch, words: readonly string[], isAtWork: () => boolean): Promise<void> {
  const child = startProgram([...words, '--verbose'], { environment });
  const outcome = outcomeOf(child);
  await waitFor(isAtWork, { what: words.join(' ') });
  child.kill('SIGKILL');
  const { stdout, stderr } = await outcome;
  watch.heard(`killed ${words.join(' ')}`, stdout + stderr);
}

function server(user: string): string[] {
  const { host, port } = cluster.connection;
  return ['--host', host, '--port', String(port), '--user', user];
}

function uri(user: string, password: string): string {
  const { host, port } = cluster.connection;
  return `postgresql://${user}:${encodeURIComponent(password)}@/postgres?host=${encodeURIComponent(host)}&port=${port}`;
}

function configuration() {
  const { host, port } = cluster.connection;
  const dump = (connection: Record<string, unknown>, more = {}) => ({
    kind: 'dump',
    connection,
    globals: 'none',
    ...more,
  });
  const socket = { host, port, database: 'postgres' };
  const tellingAll = { name: 'tells all', command: 'env; false' };
  const wrongUri = `postgresql://me:${encodeURIComponent(value('password for a host that is not there'))}@127.0.0.1:1/x`;
  return {
    repository: { location: directory.join('repository'), keyCacheFile: directory.join('key') },
    evidence: { signingKeyFile: directory.join('private/evidence.pem') },
    sources: {
      'uri': dump({ uri: uri('role_uri', value('password in a connection URI')) }),
      'option': dump(
        { ...socket, user: 'role_option', password: value('password of a connection') },
        { verify: { assertions: [tellingAll] } },
      ),
      'variable': dump({ ...socket, user: 'role_variable', password: '${APP_DB_PASSWORD}' }),
      'environment': dump({ ...socket, user: 'role_environment' }),
      'file': dump({ ...socket, user: 'role_file', passwordFile: directory.join('private/database') }),
      'passfile': dump({ ...socket, user: 'role_passfile' }),
      'wrong-host': dump({ uri: wrongUri }),
      'wrong-password': dump({ uri: uri('role_uri', value('wrong password of a connection')) }),
      'cluster': {
        kind: 'postgres',
        connection: { uri: uri('role_uri', value('password in a connection URI')) },
        dataDirectory: cluster.dataDirectory,
      },
      'settings': { kind: 'files', paths: [directory.join('app/settings')], secrets: ['.env'] },
      'code': {
        kind: 'git',
        path: directory.join('app/code'),
        mirrorDirectory: directory.join('mirror'),
        remotes: { other: `http://me:${value('credentials of a configured git remote')}@127.0.0.1:1/app.git` },
      },
    },
  };
}

/** A step that says its secret, one that fails with it, and two that hand it to a server that refuses. */
function failingPlan() {
  return {
    format: 1,
    name: 'failing',
    version: 1,
    description: 'Fails with secrets at hand.',
    owner: 'Anna Weiss',
    objective: { rto: '10m' },
    parameters: {
      critical: { description: 'Whether a failure is one.', default: 'false' },
      token: { description: 'A secret.', secret: true, environment: 'PLAN_TOKEN' },
      database: { description: 'Another one.', secret: true, environment: 'PLAN_DATABASE' },
    },
    steps: [
      { id: 'says', kind: 'run', shell: 'echo "$TOKEN"; printf %s "$TOKEN" >&2', environment: { TOKEN: '${token}' } },
      { id: 'fails', kind: 'run', shell: 'echo "$TOKEN"; exit 4', environment: { TOKEN: '${token}' }, critical: false },
      { id: 'asks', kind: 'http', url: 'http://127.0.0.1:1/${token}', timeout: '1s', critical: false },
      { id: 'counts', kind: 'sql', connection: '${database}', statement: 'select 1', critical: false },
      { id: 'decides', kind: 'run', command: ['test', '${critical}', '=', 'false'] },
    ].map((step) => ({ title: `It ${step.id}`, ...step })),
  };
}

function hangingPlan() {
  const { steps: _, ...head } = failingPlan();
  const step = {
    id: 'hangs',
    title: 'It hangs',
    kind: 'run',
    shell: 'echo "$TOKEN"; echo $$ > "$PID"; exec sleep 300',
  };
  return {
    ...head,
    name: 'hanging',
    steps: [{ ...step, environment: { TOKEN: '${token}', PID: directory.join('hanging.pid') } }],
  };
}

function makeApplication(): void {
  const code = directory.join('app/code');
  const git = (...args: string[]): void => void execFileSync('git', ['-C', code, ...args], { env: gitEnvironment });
  mkdirSync(directory.join('app/settings'));
  writeFileSync(directory.join('app/settings/.env'), `TOKEN=${value('content of .env')}\n`);
  mkdirSync(code);
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'one');
  git('config', 'remote.web.url', `https://me:123/${value('credentials of a git remote')}@127.0.0.1/app.git`);
}

const gitEnvironment = {
  PATH: process.env['PATH'],
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@example.org',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@example.org',
};

function writePasswords(): void {
  const write = (name: string, text: string): void =>
    writeFileSync(directory.join('private', name), `${text}\n`, { mode: 0o600 });
  write('repository', value('repository password in a file'));
  write('repository-2', value('repository password from a command'));
  write('database', value('password in a password file'));
  const passfile = value('password in a passfile').replaceAll(/[\\:]/g, '\\$&');
  write('passfile', `*:*:*:role_passfile:${passfile}`);
}

/** Makes a key that signs evidence; returns what of it nobody may see. */
function makeSigningKey(): string {
  const path = directory.join('private/evidence.pem');
  const pem = execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519'], { encoding: 'utf8' });
  appendFileSync(path, pem, { mode: 0o600 });
  return pem.split('\n')[1] ?? '';
}
