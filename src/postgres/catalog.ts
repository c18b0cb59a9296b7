import type { SqlConnection, SqlRow } from './sqlConnection.ts';
import { parseSystemIdentifier, type SystemIdentifier } from './systemIdentifier.ts';
import { toTimelineId, type TimelineId } from './timeline.ts';
import type { PostgresMajor } from './version.ts';

/** Who a running server is. */
export interface ServerFacts {
  readonly major: PostgresMajor;
  /** As the server says it: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
  readonly systemIdentifier: SystemIdentifier;
  /** Timeline of the latest checkpoint; right after a promotion it may still be the one before. */
  readonly timeline: TimelineId;
  readonly inRecovery: boolean;
}

/** Settings that a backup records or a check looks at. */
const settingNames = [
  'archive_command',
  'archive_library',
  'archive_mode',
  'archive_timeout',
  'block_size',
  'config_file',
  'data_checksums',
  'data_directory',
  'full_page_writes',
  'fsync',
  'hba_file',
  'ident_file',
  'idle_replication_slot_timeout',
  'max_connections',
  'max_locks_per_transaction',
  'max_prepared_transactions',
  'max_replication_slots',
  'max_slot_wal_keep_size',
  'max_wal_senders',
  'max_wal_size',
  'max_worker_processes',
  'segment_size',
  'server_encoding',
  'shared_preload_libraries',
  'summarize_wal',
  'synchronous_standby_names',
  'track_commit_timestamp',
  'wal_block_size',
  'wal_keep_size',
  'wal_level',
  'wal_log_hints',
  'wal_segment_size',
] as const;
export type SettingName = (typeof settingNames)[number];

/**
 * Values as in pg_settings: plain numbers in the setting's own unit, `on` and `off`. A setting is absent when the
 * version does not have it, or the role may not see it (config_file and the like need pg_read_all_settings).
 */
export type ServerSettings = Readonly<Partial<Record<SettingName, string>>>;

export interface Tablespace {
  readonly oid: number;
  readonly name: string;
  /** Undefined for pg_default and pg_global, and for one in place: then it is a directory inside pg_tblspc. */
  readonly location: string | undefined;
  readonly inPlace: boolean;
}

export interface ReplicationSlot {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  readonly active: boolean;
  readonly temporary: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`; undefined while it reserves nothing. */
  readonly walStatus: string | undefined;
  /** WAL that the slot keeps on the disk, in bytes. */
  readonly retainedBytes: bigint;
  /** How much more WAL may be written before the slot is in danger; undefined: without limit. */
  readonly safeBytes: bigint | undefined;
}

/** What the role of this connection may do. */
export interface RoleFacts {
  readonly name: string;
  readonly superuser: boolean;
  readonly replication: boolean;
  /** May call the functions that begin and end a backup. */
  readonly backupFunctions: boolean;
  /** Sees all of pg_stat_replication and the WAL directory (pg_monitor or superuser). */
  readonly monitor: boolean;
}

export async function readServerFacts(sql: SqlConnection): Promise<ServerFacts> {
  const row = await sql.queryOne<SqlRow & { identifier: string; timeline: number; in_recovery: boolean }>(`
    SELECT s.system_identifier::text AS identifier, c.timeline_id AS timeline,
           pg_is_in_recovery() AS in_recovery
      FROM pg_control_system() AS s, pg_control_checkpoint() AS c`);
  return {
    major: sql.major,
    version: sql.serverVersion,
    systemIdentifier: parseSystemIdentifier(unsigned(row.identifier)),
    timeline: toTimelineId(row.timeline),
    inRecovery: row.in_recovery,
  };
}

export async function readSettings(sql: SqlConnection): Promise<ServerSettings> {
  const rows = await sql.query<SqlRow & { name: SettingName; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY ($1)',
    [settingNames],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

export async function readTablespaces(sql: SqlConnection): Promise<readonly Tablespace[]> {
  const rows = await sql.query<SqlRow & { oid: number; name: string; location: string }>(`
    SELECT oid, spcname AS name, pg_tablespace_location(oid) AS location
      FROM pg_tablespace ORDER BY oid`);
  return rows.map(({ oid, name, location }) => {
    const inPlace = location.startsWith('pg_tblspc/'); // relative to the data directory
    return { oid, name, inPlace, location: location === '' || inPlace ? undefined : location };
  });
}

export async function readReplicationSlots(sql: SqlConnection): Promise<readonly ReplicationSlot[]> {
  const rows = await sql.query<
    SqlRow & {
      name: string;
      kind: 'physical' | 'logical';
      active: boolean;
      temporary: boolean;
      wal_status: string | null;
      retained: bigint | null;
      safe: bigint | null;
    }
  >(`
    SELECT slot_name AS name, slot_type AS kind, active, temporary, wal_status, safe_wal_size AS safe,
           pg_wal_lsn_diff(newest.lsn, restart_lsn)::int8 AS retained
      FROM pg_replication_slots,
           (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                        ELSE pg_current_wal_lsn() END AS lsn) AS newest
     ORDER BY slot_name`);
  return rows.map(({ name, kind, active, temporary, wal_status, retained, safe }) => ({
    name,
    kind,
    active,
    temporary,
    walStatus: wal_status ?? undefined,
    retainedBytes: retained ?? 0n,
    safeBytes: safe ?? undefined,
  }));
}

export async function readRole(sql: SqlConnection): Promise<RoleFacts> {
  const functions =
    sql.major >= 15
      ? ['pg_backup_start(text, boolean)', 'pg_backup_stop(boolean)']
      : ['pg_start_backup(text, boolean, boolean)', 'pg_stop_backup(boolean, boolean)'];
  const row = await sql.queryOne<SqlRow & Omit<RoleFacts, 'backupFunctions'> & { backup_functions: boolean }>(
    `SELECT rolname AS name, rolsuper AS superuser, rolreplication AS replication,
            (SELECT bool_and(has_function_privilege('pg_catalog.' || signature, 'EXECUTE'))
               FROM unnest($1::text[]) AS signature) AS backup_functions,
            pg_has_role('pg_monitor', 'USAGE') AS monitor
       FROM pg_roles WHERE rolname = CURRENT_USER`,
    [functions],
  );
  const { name, superuser, replication, monitor } = row;
  return { name, superuser, replication, monitor, backupFunctions: row.backup_functions };
}

/**
 * Configuration files that the server reads and that lie outside its data directory, so that no physical backup holds
 * them (Debian: /etc/postgresql). Undefined when the role may not see where they are.
 */
export async function readOutsideFiles(sql: SqlConnection): Promise<readonly string[] | undefined> {
  const settings = await readSettings(sql);
  const { data_directory: directory, config_file: config, hba_file: hba, ident_file: ident } = settings;
  if (directory === undefined || config === undefined || hba === undefined || ident === undefined) return undefined;
  const rows = await sql.query<SqlRow & { file: string }>(`
    SELECT DISTINCT sourcefile AS file FROM pg_settings WHERE sourcefile IS NOT NULL`);
  const files = new Set([config, hba, ident, ...rows.map(({ file }) => file)]);
  return [...files].filter((file) => !file.startsWith(`${directory}/`)).toSorted();
}

/** PostgreSQL keeps the identifier unsigned and shows it as a signed bigint. */
function unsigned(signedDecimal: string): string {
  return BigInt.asUintN(64, BigInt(signedDecimal)).toString();
}
