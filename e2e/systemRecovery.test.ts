// needs PostgreSQL's client programs
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { isNameComponent } from '../src/backend/objectName.ts';
import { seededRandom } from '../src/base/random.ts';
import type { Evidence } from '../src/recovery/evidence.ts';
import { serverUser } from '../src/testing/serverUser.ts';
import { tableHashes } from '../src/testing/tableHashes.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { LivingScenescout } from './fixture/livingScenescout.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const modules = resolve(import.meta.dirname, '../node_modules');
const seed = Number(process.env['UNDERSTUDY_SEED'] ?? Date.now() % 1_000_000);

let living: LivingScenescout;

beforeAll(async () => {
  living = await LivingScenescout.open();
});
beforeEach(() => living.loseEverything());
afterAll(() => living[Symbol.asyncDispose]());

const random = seededRandom(seed);

const applicationStart = 'node src/main.ts > /dev/null 2>&1 &';

/** Steps that would be over before anybody could kill them: done, they wait the first time. */
const waiting = ['install', 'start-database', 'start-application'];

function waitMark(step: string): string {
  return living.place.join(`waited-${step}`);
}

/** What a person types on the empty machine. */
function recovery(from: 'cluster' | 'dump', waits: readonly string[] = []): string[] {
  const first = (id: string, command: string): string =>
    waits.includes(id)
      ? `set -e\n${command}\n[ -e ${waitMark(id)} ] || { touch ${waitMark(id)}; exec sleep 1000; }`
      : command;
  const values = {
    destination: living.app,
    codeSource: 'code',
    configSource: 'config',
    databaseFrom: from,
    databaseSource: from === 'cluster' ? 'database' : 'dump',
    dataDirectory: living.dataDirectory,
    installCommand: first('install', `ln -sfn ${modules} node_modules`),
    buildCommand: 'npm run build',
    startDatabase: first('start-database', from === 'cluster' ? serverStart() : 'true'),
    startApplication: first('start-application', applicationStart),
    healthUrl: `http://127.0.0.1:${living.port}/health`,
    integrityQuery: 'select count(*) from pg_stat_user_tables, pg_sleep(0.3)',
    integrityCommand: 'node scripts/verify-data-integrity.js',
  };
  return ['plan', 'run', 'complete-system-recovery', ...setting(values)];
}

function setting(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
}

/** Starts the new server where the old one was reached. */
function serverStart(): string {
  const { cluster, dataDirectory } = living;
  const options = `-c unix_socket_directories=${cluster.socketDirectory} -c listen_addresses= -c port=${cluster.port}`;
  return `${asServer()}pg_ctl start -w -D ${dataDirectory} -l ${cluster.logPath} -o "${options}"`;
}

function asServer(): string {
  const user = serverUser();
  return user === undefined ? '' : `runuser -u ${user.name} -- `;
}

function evidence(): Evidence {
  const runs = living.place.join('runs');
  const run = readdirSync(runs).toSorted().at(-1) ?? '';
  return JSON.parse(readFileSync(join(runs, run, 'evidence.json'), 'utf8')) as Evidence;
}

/** What a kill left half written is no lock; it is removed by a prune, a day later. */
function locks(): string[] {
  return readdirSync(living.place.join('backups/locks')).filter(isNameComponent);
}

/** The system is what it was, once, and nothing is there that was needed only on the way. */
async function requireWhole(from: 'cluster' | 'dump'): Promise<void> {
  expect(await living.health()).toBe('ok');
  const expected = from === 'cluster' ? living.lost.newest : living.lost.dumped;
  expect(await living.state()).toEqual(expected);
  expect(statSync(join(living.app, '.env')).mode & 0o777).toBe(0o600);
  const databases = await living.cluster.sql('select datname from pg_database where not datistemplate order by 1');
  expect(databases).toEqual([{ datname: 'postgres' }, { datname: 'scenescout' }]);
  const commands = living.processes().map(({ command }) => command);
  expect(commands.filter((command) => command.includes('src/main.ts'))).toEqual(['node src/main.ts']);
  expect(commands.filter((command) => !/^(postgres|node src\/main\.ts)|\/postgres /.test(command))).toEqual([]);
  expect(locks()).toEqual([]);
}

test('the whole system comes back on an empty machine by one command, timed; so does its configuration alone', async () => {
  const { status, output } = await living.runBare(recovery('cluster'));
  expect(status, output).toBe(0);
  await requireWhole('cluster');
  const { result, timeline, deviations, stepsNotRun } = evidence();
  expect(result).toMatchObject({
    verdict: 'passed',
    rtoMet: true,
    rpoMet: true,
    humanSeconds: 0,
    interruptedSeconds: 0,
  });
  expect(result.machineSeconds).toBeGreaterThan(0);
  expect(output).toMatch(/^ *time +\d.*objective 4 h: met$/m);
  expect(deviations).toEqual([]);
  expect(stepsNotRun.map(({ id }) => id)).toEqual(['load']);
  const steps = timeline.steps.filter(({ attempts }) => attempts > 0);
  const seconds = steps.map(({ id, machineSeconds }) => `${id} ${machineSeconds.toFixed(1)} s`).join(', ');
  process.stdout.write(`complete system recovery in ${result.totalSeconds.toFixed(1)} s: ${seconds}\n`);
  loseConfiguration();
  const values = { destination: living.app, application: living.app, lintCommand: 'npm run lint:config' };
  const configuration = await living.runBare(['plan', 'run', 'configuration-recovery', ...setting(values)]);
  expect(configuration.status, configuration.output).toBe(0);
  await requireWhole('cluster');
});

/** What somebody has deleted, and what somebody has spoilt. */
function loseConfiguration(): void {
  rmSync(join(living.app, '.env'));
  rmSync(join(living.app, 'package.json'));
  writeFileSync(join(living.app, 'tsconfig.json'), '{}');
}

type Blow = 'killed alone' | 'crashed with all that it had started';

/** These are killed somewhere in the middle; the others are soon over, and after the last one the whole run. */
const long = ['files', 'mirror', 'history', 'configuration', 'database', 'build'];

/** What the recovery from a dump has in common with that from a cluster need not be killed again. */
const proven = {
  cluster: [],
  dump: ['files', 'mirror', 'history', 'configuration', 'install', 'build', 'start-database', 'health', 'integrity'],
};

test.each<[Blow, 'cluster' | 'dump']>([
  ['killed alone', 'cluster'],
  ['crashed with all that it had started', 'cluster'],
  ['killed alone', 'dump'],
])('%s in each step, the recovery from a %s goes on there, and ends as if nothing had been', async (how, from) => {
  if (from === 'dump') {
    const make = `${asServer()}initdb -U postgres -D ${living.dataDirectory} > /dev/null && ${serverStart()}`;
    living.succeed('bash', ['-c', make], { cwd: '/' });
  }
  const killed = new Set<string>(proven[from]);
  const waits = how === 'killed alone' ? waiting.filter((step) => !killed.has(step)) : [];
  const resume = ['plan', 'run', '--resume', 'latest'];
  for (let words = recovery(from, waits); ; words = resume) {
    const child = living.startBare([...words, '--json']);
    const closed = once(child, 'close');
    const step = await Promise.race([stepNotKilledYet(child, killed), closed.then(() => undefined)]);
    if (step === undefined) {
      expect(child.exitCode, `seed ${seed}: ${child.text()}`).toBe(0);
      break;
    }
    killed.add(step);
    if (how !== 'killed alone' && long.includes(step)) await delay(random() * 400);
    else if (waits.includes(step)) await waitFor(() => existsSync(waitMark(step)), { what: `the end of ${step}` });
    child.kill('SIGKILL');
    await closed;
    if (how === 'killed alone') continue;
    await living.crash();
    boot();
  }
  await requireWhole(from);
  const { timeline, result } = evidence();
  const done = timeline.steps.filter(({ status }) => status === 'succeeded').map(({ id }) => id);
  if (how === 'killed alone') expect([...killed].toSorted()).toEqual(done.toSorted());
  expect(timeline.resumptions).toBe(killed.size - proven[from].length);
  expect(result.verdict).toBe('passed');
});

/** A machine that is switched on starts the services that are in its charge: what the journal calls done. */
function boot(): void {
  const [run] = readdirSync(living.place.join('runs'));
  const journal = readFileSync(living.place.join('runs', run!, 'journal.ndjson'), 'utf8');
  const succeeded = (step: string): boolean => journal.includes(`"type":"step-succeeded","step":"${step}"`);
  if (succeeded('start-database')) living.succeed('bash', ['-c', serverStart()], { cwd: '/' });
  if (succeeded('start-application')) living.succeed('bash', ['-c', applicationStart]);
}

/** Resolves when a step begins that has not been killed yet. */
function stepNotKilledYet(
  child: ReturnType<LivingScenescout['startBare']>,
  killed: ReadonlySet<string>,
): Promise<string> {
  return new Promise((found) => {
    child.stdout?.on('data', () => {
      const begun = child.text().matchAll(/"type":"step-begun",[^\n]*?"step":"([^"]+)"/g);
      for (const [, step] of begun) if (step !== undefined && !killed.has(step)) found(step);
    });
  });
}

/** The monthly test on the example: its own tests on the recovered database. */
function monthlyTest(testCommand: string): string[] {
  const values = {
    source: 'database',
    application: 'app',
    database: 'scenescout',
    installCommand: `ln -s ${modules} node_modules`,
    testCommand,
  };
  return ['drill', 'run', 'monthly-restore-test', '--scratch', living.place.join('tmp'), ...setting(values)];
}

/** What npm keeps for itself, whoever calls it. */
const ofNpm = ['.npm', 'node-compile-cache'];

function requireNothingLeft(): void {
  const found = (directory: string) =>
    readdirSync(directory)
      .filter((name) => !ofNpm.includes(name))
      .toSorted();
  expect(living.processes()).toEqual([]);
  expect(found(living.place.join('tmp'))).toEqual([]);
  expect(found(living.place.path)).toEqual(['backup-password', 'backups', 'remotes', 'runs', 'tmp']);
  expect(found(living.cluster.directory)).toEqual([]);
  expect(locks()).toEqual([]);
}

test('the monthly test leaves nothing behind, also after it was killed, and fails when a test of the application does', async () => {
  for (let kills = 0; kills < 3; kills++) {
    const child = living.startBare(monthlyTest('npm test'));
    const closed = once(child, 'close');
    await waitFor(() => child.text().includes(['restore  begins', 'restore  done', 'tests  begins'][kills] ?? ''), {
      what: 'the step',
    });
    await delay(random() * 500);
    child.kill('SIGKILL');
    await closed;
  }
  const { status, output } = await living.runBare(monthlyTest('npm run integrity && npm test'));
  expect(status, output).toBe(0);
  requireNothingLeft();
  const revoke = 'revoke all on all tables in schema public from anon, authenticated, service_role';
  const failing = await living.runBare(monthlyTest(`psql "$DATABASE_URL" -qc '${revoke}' && npm test`));
  expect(failing.status).toBe(1);
  expect(failing.output).toContain("failed: The application's tests pass on the restored database: sh failed");
  requireNothingLeft();
});

test('the database comes back as it was at a moment, as people approve step by step', async () => {
  const values = { time: living.lost.moment, destination: living.dataDirectory, source: 'database' };
  const child = living.startBare(['plan', 'run', 'point-in-time-recovery', ...setting(values)]);
  const closed = once(child, 'close');
  const approve = async (step: string): Promise<void> => {
    await waitFor(() => child.text().includes(`${step}  waits for a person`), { what: step, timeoutMs: 120_000 });
    if (step === 'look') {
      living.succeed('bash', ['-c', serverStart()], { cwd: '/' });
      expect(await tableHashes(living.cluster, 'scenescout')).toEqual(living.lost.dumped?.tables);
    }
    expect((await living.runBare(['plan', 'approve', 'latest', step, '--by', 'Ada Example'])).status).toBe(0);
  };
  await approve('confirm-moment');
  await approve('look');
  await closed;
  expect(child.exitCode, child.text()).toBe(0);
  expect(evidence().authority.decisions).toHaveLength(2);
});
