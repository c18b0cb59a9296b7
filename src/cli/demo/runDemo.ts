import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { openSqlConnection, type SqlConnection } from '../../postgres/sqlConnection.ts';
import { makeDirectoryFor } from '../../postgres/runtimeUser.ts';
import { formatBytes, formatCount, formatDuration } from '../format.ts';
import type { Printer } from '../printer.ts';
import { Commands } from './children.ts';
import { createDemoCluster, startDemoServer, type DemoPlace } from './demoCluster.ts';
import { BookingLoad, compareBookings, tableHash } from './load.ts';
import { reachableProgram } from './reachableProgram.ts';
import { comparedTables, fillSql, schemaSql } from './schema.ts';
import { Story } from './story.ts';

export interface DemoOptions {
  readonly place: DemoPlace;
  readonly events: number;
  readonly printer: Printer;
}

const clients = 4;
const bookingsBeforeBackup = 200;
const bookingsBeforeDisaster = 400;

/** What is known of the database at the moment before it was lost. */
interface Moment {
  readonly time: string;
  readonly bookings: ReadonlyMap<bigint, string>;
  readonly hashes: ReadonlyMap<string, string>;
}

/** The whole story, from a new cluster to the proof; throws when anything does not come back as it was. */
export async function runDemo(ctx: Context, options: DemoOptions): Promise<void> {
  const { place, printer } = options;
  const story = new Story(ctx, printer);
  const repository = join(place.directory, 'repository');
  const commands = new Commands(reachableProgram(place.user, place.directory), place.user, {
    UNDERSTUDY_REPOSITORY: repository,
    UNDERSTUDY_PASSWORD: new Secret(randomBytes(16).toString('hex')),
    HOME: place.directory,
  });
  await makeDirectoryFor(place.user, join(place.directory, 'spool'));
  const dataDirectory = await createDemoCluster(ctx, place);
  const before = await loseDatabase(ctx, { ...options, story, commands, dataDirectory });
  const recovered = join(place.directory, 'recovered');
  await recover(ctx, { place, story, commands, recovered, before });
  await prove(ctx, { story, commands, place });
}

interface Act {
  readonly place: DemoPlace;
  readonly story: Story;
  readonly commands: Commands;
}

/** Everything up to the disaster; returns what must come back. */
async function loseDatabase(
  ctx: Context,
  act: Act & { readonly events: number; readonly dataDirectory: string },
): Promise<Moment> {
  const { place, story, commands, dataDirectory } = act;
  await using server = await startDemoServer(ctx, place, { dataDirectory, name: 'primary' });
  await server.waitUntilAccepting(ctx);
  await using sql = await openSqlConnection(ctx, server.connection);
  for (const statement of [schemaSql, ...fillSql(act.events)]) await sql.query(statement);
  await tellOfCluster(act, sql);
  const { host, port } = server.connection;
  const reach = ['--host', host, '--port', String(port), '--user', 'postgres'];
  await commands.run(ctx, 'init');
  await using receiver = await commands.start(
    ctx,
    'wal',
    'receive',
    'scenescout',
    ...reach,
    '--spool',
    join(place.directory, 'spool'),
  );
  story.tell('wal', 'WAL is streamed into the repository as it is written');
  await using load = BookingLoad.start(ctx, server.connection, clients);
  await reached(ctx, load, bookingsBeforeBackup);
  await backup(ctx, act, { reach, name: 'first' });
  await reached(ctx, load, load.commits.size + bookingsBeforeBackup);
  await backup(ctx, act, { reach, name: 'second' });
  await reached(ctx, load, load.commits.size + bookingsBeforeDisaster);

  receiver.check();
  await tellExposure(ctx, story, sql);
  await load.pause(ctx);
  const moment = await momentOf(story, { sql, load });
  load.resume();
  await reached(ctx, load, load.commits.size + 20);
  await load.pause(ctx);
  await sql.query('DROP TABLE public.events');
  await server.stop('immediate');
  await rm(dataDirectory, { recursive: true });
  story.tell('disaster', 'DROP TABLE events; then the server is killed and its data directory removed');
  return moment;
}

async function tellOfCluster({ story, place, events }: Act & { readonly events: number }, sql: SqlConnection) {
  const { bytes } = await sql.queryOne<{ bytes: bigint }>(
    'SELECT sum(pg_database_size(oid))::int8 AS bytes FROM pg_database',
  );
  const { version } = place.installation;
  const text = `PostgreSQL ${version}: ${formatCount(events)} events, ${formatBytes(bytes)}`;
  story.tell('cluster', text, { version, bytes });
}

/** How long what is committed now, under load, exists on the server alone: it would be lost with it. */
async function tellExposure(ctx: Context, story: Story, sql: SqlConnection): Promise<void> {
  const { lsn } = await sql.queryOne<{ lsn: Lsn }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  const safe = 'SELECT coalesce(bool_or(flush_lsn >= $1::pg_lsn), false) AS safe FROM pg_stat_replication';
  const { ms } = await story.timed(async () => {
    while (!(await sql.queryOne<{ safe: boolean }>(safe, [formatLsn(lsn)])).safe) await ctx.clock.sleep(2, ctx.signal);
  });
  const text = `exposure: had the server died now, the commits of the last ${Math.ceil(ms)} ms would be lost`;
  story.tell('exposure', text, { exposure_ms: ms });
}

/** What the database holds now, while nothing writes to it. */
async function momentOf(story: Story, { sql, load }: { sql: SqlConnection; load: BookingLoad }): Promise<Moment> {
  const hashes = new Map<string, string>();
  for (const table of comparedTables) hashes.set(table, await tableHash(sql, table));
  const { time } = await sql.queryOne<{ time: string }>(`SELECT clock_timestamp()::text AS time`);
  const bookings = new Map(load.commits);
  const text = `${formatCount(bookings.size)} bookings acknowledged by ${time}`;
  story.tell('moment', text, { bookings: bookings.size, time });
  return { time, bookings, hashes };
}

async function backup(
  ctx: Context,
  { story, commands }: Act,
  run: { reach: readonly string[]; name: string },
): Promise<void> {
  const { value: messages, ms } = await story.timed(() =>
    commands.run(ctx, 'backup', 'scenescout', '--method', 'files', ...run.reach),
  );
  const summary = messages.get('summary');
  const read = Number(summary?.['files_changed']);
  const stored = Number(summary?.['data_added_packed']);
  const text = `${run.name} backup in ${formatDuration(ms)}: ${formatCount(read)} files read, ${formatBytes(stored)} stored`;
  story.tell('backup', text, { duration_ms: ms, files_read: read, stored_bytes: stored });
}

async function recover(
  ctx: Context,
  act: Act & { readonly recovered: string; readonly before: Moment },
): Promise<void> {
  const { place, story, commands, recovered, before } = act;
  const beganMs = story.elapsedMs;
  await commands.run(ctx, 'restore', '--source', 'scenescout', '--at', before.time, '--target-dir', recovered);
  const filesMs = story.elapsedMs - beganMs;
  story.tell('restore', `files restored in ${formatDuration(filesMs)}`, { duration_ms: filesMs });
  await using server = await startDemoServer(ctx, place, { dataDirectory: recovered, name: 'back' });
  await server.waitForRecovery(ctx);
  const recoveryMs = story.elapsedMs - beganMs;
  await using sql = await openSqlConnection(ctx, server.connection);
  const difference = await compareBookings(sql, before.bookings);
  const tables = [];
  for (const table of comparedTables)
    if ((await tableHash(sql, table)) !== before.hashes.get(table)) tables.push(table);
  if (difference.missing + difference.unexpected + difference.changed + tables.length > 0) {
    throw new OperationError('restore-incomplete', 'the recovered database is not what was lost', {
      detail: { ...difference, tables },
    });
  }
  const text =
    `recovered to that moment in ${formatDuration(recoveryMs)}: all ${formatCount(before.bookings.size)} bookings are there, ` +
    `none too many, every row of ${comparedTables.length} tables equal`;
  story.tell('recovered', text, { recovery_ms: recoveryMs, ...difference });
  await server.stop('fast');
}

async function prove(ctx: Context, { story, commands }: Act): Promise<void> {
  const { value: messages, ms } = await story.timed(() =>
    commands.run(ctx, 'verify', 'latest', '--source', 'scenescout', '--level', '4'),
  );
  const verdict = messages.get('proof')?.['verdict'];
  if (verdict !== 'passed') {
    throw new OperationError('verification-failed', `the proof did not pass: ${String(verdict)}`);
  }
  story.tell(
    'proof',
    `level 4 proof in ${formatDuration(ms)}: restored in a sandbox, recovered, indexes and every table checked`,
    {
      duration_ms: ms,
      verdict,
    },
  );
}

async function reached(ctx: Context, load: BookingLoad, count: number): Promise<void> {
  while (load.commits.size < count) {
    await load.check();
    await ctx.clock.sleep(10, ctx.signal);
  }
}
