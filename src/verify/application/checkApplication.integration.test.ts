import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { silentProgress } from '../../base/progress.ts';
import { createCluster, type Cluster } from '../../testing/postgresServer.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { waitFor } from '../../testing/waitFor.ts';
import { CheckList } from '../proof/checkList.ts';
import type { Check } from '../proof.ts';
import type { Assertion } from './assertion.ts';
import { checkApplication, type RestoredApplication } from './checkApplication.ts';

let cluster: Cluster;
let server: NonNullable<RestoredApplication['server']>;
const scratch = `/no/sandbox/${process.pid}`;

beforeAll(async () => {
  cluster = await createCluster();
  server = { ...cluster.connection, database: 'postgres' };
  await cluster.sql('create database shop');
  await using shop = await cluster.connect({ database: 'shop' });
  await shop.query(
    `create schema app;
     create table app.orders (id int, customer text, paid boolean);
     insert into app.orders select g, 'customer ' || g, true from generate_series(1, 100) g;
     create role clerk login; alter role clerk set search_path = app;
     create role visitor;
     grant usage on schema app to clerk; grant select on app.orders to clerk;
     create sequence app.numbers`,
  );
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function assertAll(
  assertions: readonly Assertion[],
  restored: Omit<RestoredApplication, 'scratch'> = { server },
): Promise<Check[]> {
  const ctx = createContext();
  const checks = new CheckList(ctx);
  await checkApplication(ctx, { checks, assertions, restored: { ...restored, scratch }, progress: silentProgress });
  return checks.checks;
}

async function ask(sql: string, more: Partial<Extract<Assertion, { kind: 'sql' }>> = {}): Promise<Check> {
  const [check] = await assertAll([{ kind: 'sql', name: 'a question', timeoutMs: 20_000, sql, ...more }]);
  return check!;
}

async function run(
  command: string,
  more: Partial<Extract<Assertion, { kind: 'command' }>> = {},
  restored: Omit<RestoredApplication, 'scratch'> = { server },
): Promise<Check> {
  const [check] = await assertAll([{ kind: 'command', name: 'a test', timeoutMs: 20_000, command, ...more }], restored);
  return check!;
}

test('only one row of one column that is true lets an assertion pass', async () => {
  expect(await ask('select count(*) = 100 from app.orders -- all of them')).toMatchObject({
    name: 'a question',
    level: 5,
    status: 'passed',
  });
  for (const [sql, actual] of [
    ['select count(*) = 99 from app.orders', 'false'],
    ['select null::boolean', 'null'],
    ['select paid from app.orders where false', 'no row'],
    ['select paid from app.orders', 'several rows'],
    ['select true, true', 'an answer of 2 columns'],
    ['select count(*) from app.orders', '100, which is no boolean'],
    ["select timestamp '2026-11-22 10:00:00'", '"2026-11-22 10:00:00", which is no boolean'],
    ['select customer from app.orders where id = 7', 'a value, which is no boolean'],
    ['selekt true', 'syntax error at or near "selekt"'],
    ['select count(*) > 0 from app.gone', 'relation "app.gone" does not exist'],
    ['select customer::int = 7 from app.orders where id = 7', 'invalid input syntax for type integer: "..."'],
  ]) {
    expect(await ask(sql!), sql).toMatchObject({ status: 'failed', expected: 'true', actual });
  }
});

test('an assertion changes nothing, is one query, and ends in time', async () => {
  const change = 'with gone as (delete from app.orders returning 1) select count(*) > 0 from gone';
  for (const sql of [
    change,
    'select true; delete from app.orders',
    'commit',
    'delete from app.orders returning true',
  ]) {
    expect(await ask(sql), sql).toMatchObject({ status: 'failed' });
  }
  expect(await ask("select nextval('app.numbers') > 0")).toMatchObject({ status: 'failed' });
  expect(await ask('select count(*) = 100 from app.orders')).toMatchObject({ status: 'passed' });

  const slow = await ask('select true from pg_sleep(60)', { timeoutMs: 300 });
  expect(slow).toMatchObject({ status: 'failed', actual: 'no answer within 300 ms' });
  await using locked = await cluster.connect({ database: 'shop' });
  await locked.query('begin; lock table app.orders');
  expect(await ask('select count(*) > 0 from app.orders', { timeoutMs: 300 })).toMatchObject({ status: 'failed' });
});

test('an assertion is asked as the role of the application, with its rights and its settings', async () => {
  expect(await ask('select count(*) > 0 from orders', { role: 'clerk' })).toMatchObject({ status: 'passed' });
  expect(await ask("select current_user = 'visitor'", { role: 'visitor' })).toMatchObject({ status: 'passed' });
  expect(await ask('select count(*) > 0 from app.orders', { role: 'visitor' })).toMatchObject({
    status: 'failed',
    actual: 'permission denied for schema app',
  });
  expect(await ask('select true', { role: 'nobody' })).toMatchObject({
    status: 'failed',
    actual: 'what was restored has no role "nobody"',
  });
  expect(await ask('select true', { database: 'gone' })).toMatchObject({
    status: 'failed',
    actual: 'what was restored has no database "gone"',
  });
});

test('a command finds the restored database through its URL and through the variables of libpq', async () => {
  const main = join(import.meta.dirname, '../../..');
  const program = `import pg from 'pg'; const db = new pg.Client({ connectionString: process.env.DATABASE_URL });
    await db.connect(); const { rows } = await db.query('select current_user, current_database()'); await db.end();
    if (JSON.stringify(rows) !== '[{"current_user":"clerk","current_database":"shop"}]') throw new Error(rows)`;
  const quoted = `'${program.replaceAll("'", `'\\''`)}'`;
  const node = await run(`'${process.execPath}' --input-type=module -e ${quoted}`, { directory: main, role: 'clerk' });
  expect(node).toMatchObject({ status: 'passed', detail: [] });
  if (!existsSync('/usr/bin/psql')) return;
  const psql = await run(
    'psql "$DATABASE_URL" -Atc "select 1" && psql -Atc "select 1 / (count(*) - 99) from app.orders"',
  );
  expect(psql).toMatchObject({ status: 'passed' });
});

test('a command that fails, is killed or takes too long has failed; one that could not be run is inconclusive', async () => {
  const failing = await run('echo one; echo "at postgresql://me:hunter2@db/shop" >&2; echo API_KEY=abc123; exit 3');
  expect(failing).toMatchObject({ status: 'failed', expected: 'exit status 0', actual: 'exit status 3' });
  expect(failing.detail.toSorted()).toEqual(['API_KEY=[redacted]', 'at postgresql://me:[redacted]@db/shop', 'one']);
  expect(await run('kill -9 $$')).toMatchObject({ status: 'failed', actual: 'ended by SIGKILL' });
  expect(await run('no-such-program')).toMatchObject({ status: 'inconclusive' });
  expect(await run('true', { directory: '/nowhere' })).toMatchObject({ status: 'inconclusive' });

  await using directory = await tempDir();
  const pidFile = directory.join('pid');
  const slow = await run(`sleep 300 & echo $! > '${pidFile}'; wait`, { timeoutMs: 400 });
  expect(slow).toMatchObject({ status: 'failed', actual: 'still running after 400 ms' });
  await expectEnded(pidFile);
  for (const start of ['', 'setsid']) {
    expect(await run(`${start} sleep 300 & echo $! > '${pidFile}'`)).toMatchObject({ status: 'passed' });
    await expectEnded(pidFile);
  }
});

test('a command never runs as a superuser in place of a role that cannot log in', async () => {
  expect(await run('true', { role: 'visitor' })).toMatchObject({
    status: 'inconclusive',
    actual: 'role "visitor" cannot log in, and a command has to',
  });
});

test('a directory that was not restored is a failure, one that this machine lacks is none', async () => {
  await using directory = await tempDir();
  const restored = { directory: directory.path };
  expect(await run('true', { directory: 'conf' }, restored)).toMatchObject({
    status: 'failed',
    actual: 'there is no directory conf in what was restored',
  });
  expect(await run('true', { directory: '/nowhere' }, restored)).toMatchObject({ status: 'inconclusive' });
});

test('a command runs where files were restored, and sees no secret of ours', async () => {
  await using directory = await tempDir();
  process.env['UNDERSTUDY_PASSWORD'] = 'secret of ours';
  try {
    const command = '[ "$PWD" = "$UNDERSTUDY_RESTORED_DIRECTORY" ] && ! env | grep -q "secret of ours"';
    expect(await run(command, {}, { directory: directory.path })).toMatchObject({ status: 'passed' });
  } finally {
    delete process.env['UNDERSTUDY_PASSWORD'];
  }
  const [asked] = await assertAll([{ kind: 'sql', name: 'q', sql: 'select true', timeoutMs: 1000 }], {});
  expect(asked).toMatchObject({ status: 'inconclusive', actual: 'only restored databases can be asked' });
});

test('where there are several databases an assertion has to say which one it means', async () => {
  await cluster.sql('create database other');
  try {
    expect(await ask('select true')).toMatchObject({
      status: 'inconclusive',
      hint: 'give it a `database`: other, shop',
    });
    expect(await ask("select current_database() = 'shop'", { database: 'shop' })).toMatchObject({ status: 'passed' });
  } finally {
    await cluster.sql('drop database other');
  }
});

async function expectEnded(pidFile: string): Promise<void> {
  const stat = `/proc/${readFileSync(pidFile, 'utf8').trim()}/stat`;
  const hasEnded = (): boolean => !existsSync(stat) || readFileSync(stat, 'utf8').includes(') Z ');
  await waitFor(hasEnded, { what: `the end of ${stat}` });
}
