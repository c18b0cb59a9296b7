import type { SqlRow } from '../sqlConnection.ts';
import type { PostgresMajor } from '../version.ts';
import { failed, inconclusive, ok, warning, type Check } from './check.ts';

/** Last day on which PostgreSQL fixes bugs in a major version (postgresql.org/support/versioning). */
const supportEnds: Readonly<Record<PostgresMajor, string>> = {
  13: '2025-11-13',
  14: '2026-11-12',
  15: '2027-11-11',
  16: '2028-11-09',
  17: '2029-11-08',
  18: '2030-11-14',
};

const maxClockSkewMs = 2_000;
const maxReplayLagSeconds = 300;

const version: Check = {
  name: 'version',
  expected: 'a version that PostgreSQL still maintains',
  run: ({ server }, ctx) => {
    const end = supportEnds[server.major];
    if (ctx.clock.now() < new Date(`${end}T23:59:59Z`)) return ok(server.version);
    return warning(`${server.version}, unmaintained since ${end}`, 'it still backs up; plan an upgrade');
  },
};

const systemIdentifier: Check = {
  name: 'system identifier',
  expected: 'the cluster that the repository belongs to',
  run: ({ server, options }) => {
    const { expectedSystemIdentifier: expected } = options;
    if (expected === undefined || expected === server.systemIdentifier) return ok(String(server.systemIdentifier));
    return failed(
      `${server.systemIdentifier}, but the repository has ${expected}`,
      'is this another server, or was initdb run anew? a new cluster needs a source of its own',
    );
  },
};

const dataChecksums: Check = {
  name: 'data_checksums',
  expected: 'on',
  run: ({ settings }) =>
    settings.data_checksums === 'on'
      ? ok('on')
      : warning('off', 'damaged pages cannot be detected; stop the server and run pg_checksums --enable'),
};

const checksumFailures: Check = {
  name: 'checksum failures',
  expected: 'none',
  run: async ({ sql, settings }) => {
    if (settings.data_checksums !== 'on') return undefined;
    const rows = await sql.query<SqlRow & { database: string; failures: bigint; last: string | null }>(`
      SELECT coalesce(datname, 'shared tables') AS database, checksum_failures AS failures,
             checksum_last_failure::text AS last
        FROM pg_stat_database WHERE checksum_failures > 0 ORDER BY datname`);
    if (rows.length === 0) return ok('none');
    const found = rows.map(({ database, failures, last }) => `${failures} in ${database}, last at ${last}`);
    return warning(
      found.join('; '),
      'pages are damaged on this disk: restore them from a backup taken before, and replace the disk',
    );
  },
};

const fullPageWrites: Check = {
  name: 'full_page_writes',
  expected: 'on',
  run: async ({ sql, server }) => {
    // on a standby the setting means nothing: what counts is the primary's, which the last checkpoint carries
    const { enabled } = await sql.queryOne<SqlRow & { enabled: boolean }>(
      server.inRecovery
        ? 'SELECT full_page_writes AS enabled FROM pg_control_checkpoint()'
        : `SELECT current_setting('full_page_writes')::bool AS enabled`,
    );
    if (enabled) return ok('on');
    if (server.inRecovery) return failed('off on the primary', 'a standby cannot be backed up then: turn it on there');
    return warning('off', 'a crash can tear pages; backups force it on while they run');
  },
};

const fsync: Check = {
  name: 'fsync',
  expected: 'on',
  run: ({ settings }) =>
    settings.fsync === 'on' ? ok('on') : warning('off', 'a power failure will damage this cluster: turn it on'),
};

const exclusiveBackup: Check = {
  name: 'exclusive backup',
  expected: 'none running',
  run: async ({ sql, server }) => {
    if (server.major >= 15 || server.inRecovery) return undefined;
    const { since } = await sql.queryOne<SqlRow & { since: string | null }>(
      'SELECT pg_backup_start_time()::text AS since',
    );
    if (since === null) return ok('none running');
    return failed(
      `one is running since ${since}`,
      'its backup_label lies in the data directory and would stop a crashed server from starting: SELECT pg_stop_backup()',
    );
  },
};

const replayLag: Check = {
  name: 'standby',
  expected: `replays, at most ${maxReplayLagSeconds} s behind`,
  run: async ({ sql, server }) => {
    if (!server.inRecovery) return undefined;
    const row = await sql.queryOne<SqlRow & { paused: boolean; caught_up: boolean | null; lag: number | null }>(`
      SELECT pg_is_wal_replay_paused() AS paused,
             pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() AS caught_up,
             extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
               ::float8 AS lag`);
    if (row.paused) return warning('replay is paused', 'backups show the state of then: SELECT pg_wal_replay_resume()');
    if (row.caught_up === true) return ok('has replayed all that it received');
    if (row.lag === null) return inconclusive('nothing replayed yet', 'has it been started just now?');
    const found = `${Math.round(row.lag)} s behind the primary`;
    return row.lag <= maxReplayLagSeconds ? ok(found) : warning(found, 'backups of it are as old: is it connected?');
  },
};

const synchronousStandbys: Check = {
  name: 'synchronous_standby_names',
  expected: 'empty, or its standbys connected',
  run: async ({ sql, server, settings, role }) => {
    const names = settings.synchronous_standby_names ?? '';
    if (server.inRecovery || names === '') return ok('empty');
    if (!role.monitor) return inconclusive(names, 'grant pg_monitor to this role to see the standbys');
    const { connected } = await sql.queryOne<SqlRow & { connected: bigint }>(`
      SELECT count(*) AS connected FROM pg_stat_replication
       WHERE sync_state IN ('sync', 'quorum')`);
    if (connected > 0n) return ok(`${names}: ${connected} connected`);
    return warning(`${names}: none connected`, 'every commit waits for ever: start the standby or clear the setting');
  },
};

const clock: Check = {
  name: 'clock',
  expected: `at most ${maxClockSkewMs / 1000} s apart`,
  run: async ({ sql }, ctx) => {
    const before = ctx.clock.now().getTime();
    const { now } = await sql.queryOne<SqlRow & { now: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
    );
    const after = ctx.clock.now().getTime();
    const skewMs = Math.max(before - now, now - after, 0);
    if (skewMs <= maxClockSkewMs) return ok('in step');
    const found = `${(skewMs / 1000).toFixed(1)} s apart`;
    return warning(found, 'recovery targets given as time are off by as much: synchronise both clocks (NTP)');
  },
};

const timeZone: Check = {
  name: 'time zone',
  expected: 'known',
  run: async ({ sql }) => {
    const { zone } = await sql.queryOne<SqlRow & { zone: string }>(
      `SELECT reset_val AS zone FROM pg_settings WHERE name = 'TimeZone'`,
    );
    return /^(Etc\/)?UTC$/.test(zone)
      ? ok(zone)
      : ok(zone, 'give recovery targets with a zone: 2026-11-21 10:42:00+01');
  },
};

const unloggedTables: Check = {
  name: 'unlogged tables',
  expected: 'none',
  run: async ({ sql }) => {
    const { tables, database } = await sql.queryOne<SqlRow & { tables: bigint; database: string }>(`
      SELECT count(*) AS tables, current_database() AS database
        FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'`);
    if (tables === 0n) return ok(`none in ${database}`);
    return ok(
      `${tables} in ${database}`,
      'they are empty after every recovery: ALTER TABLE ... SET LOGGED if they matter',
    );
  },
};

const nativeIncrementals: Check = {
  name: 'summarize_wal',
  expected: 'off, unless native incremental backups are taken',
  run: ({ settings }) => {
    if (settings.summarize_wal === undefined) return undefined;
    if (settings.summarize_wal === 'off') return ok('off');
    return ok(
      'on',
      'we do not need it; native incremental backups of released 17 and 18 can restore a wrong visibility map: run pg_visibility on them',
    );
  },
};

/** Whether the cluster is the right one and healthy. */
export const clusterChecks: readonly Check[] = [
  version,
  systemIdentifier,
  dataChecksums,
  checksumFailures,
  fullPageWrites,
  fsync,
  exclusiveBackup,
  replayLag,
  synchronousStandbys,
  clock,
  timeZone,
  unloggedTables,
  nativeIncrementals,
];
