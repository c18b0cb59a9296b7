import type { Lsn } from '../postgres/lsn.ts';
import type { SqlConnection } from '../postgres/sqlConnection.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId, type TimelineId } from '../postgres/timeline.ts';

/** What a running server says about its WAL and its archiving. Times are texts of PostgreSQL in UTC. */
export interface WalServerStatus {
  readonly systemIdentifier: SystemIdentifier;
  readonly timeline: TimelineId;
  /** End of what the server has written, or on a standby replayed. */
  readonly currentLsn: Lsn;
  readonly isStandby: boolean;
  readonly archiveMode: string;
  /** After how long it hands over a segment that is not full; 0 never. */
  readonly archiveTimeoutMs: number;
  readonly archiver: {
    readonly archivedFiles: bigint;
    readonly lastArchived: string | null;
    readonly lastArchivedAt: string | null;
    readonly failures: bigint;
    readonly lastFailed: string | null;
    readonly lastFailedAt: string | null;
  };
  /** Files that wait to be archived; undefined when the role may not look (it needs pg_monitor). */
  readonly waitingFiles: bigint | undefined;
  /** Physical replication slots. */
  readonly slots: readonly WalSlot[];
}

export interface WalSlot {
  readonly name: string;
  readonly active: boolean;
  /** Oldest WAL that it keeps. */
  readonly restartLsn: Lsn | null;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | null;
}

const statusSql = `
  SELECT c.system_identifier::text AS "systemIdentifier", k.timeline_id AS timeline,
    pg_catalog.pg_is_in_recovery() AS "isStandby",
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
         ELSE pg_catalog.pg_current_wal_lsn() END AS "currentLsn",
    pg_catalog.current_setting('archive_mode') AS "archiveMode",
    (SELECT setting::int * 1000 FROM pg_catalog.pg_settings WHERE name = 'archive_timeout') AS "archiveTimeoutMs",
    a.archived_count AS "archivedFiles", a.last_archived_wal AS "lastArchived", a.last_archived_time::text AS "lastArchivedAt",
    a.failed_count AS failures, a.last_failed_wal AS "lastFailed", a.last_failed_time::text AS "lastFailedAt",
    pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'execute') AS "mayList"
  FROM pg_catalog.pg_control_system() c, pg_catalog.pg_control_checkpoint() k, pg_catalog.pg_stat_archiver a`;

const slotsSql = `
  SELECT slot_name AS name, active, restart_lsn AS "restartLsn", wal_status AS "walStatus"
  FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' ORDER BY slot_name`;

const waitingSql = `SELECT count(*) AS count FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`;

/** Asks a server. Throws what `SqlConnection.query` throws. */
export async function readWalServerStatus(connection: SqlConnection): Promise<WalServerStatus> {
  const row = await connection.queryOne<StatusRow>(statusSql);
  const slots = await connection.query<WalSlot & Record<string, unknown>>(slotsSql);
  const { systemIdentifier, timeline, currentLsn, isStandby, archiveMode, archiveTimeoutMs, mayList, ...archiver } =
    row;
  const waiting = mayList ? await connection.queryOne<{ count: bigint }>(waitingSql) : undefined;
  return {
    systemIdentifier: parseSystemIdentifier(systemIdentifier),
    timeline: toTimelineId(timeline),
    currentLsn,
    isStandby,
    archiveMode,
    archiveTimeoutMs,
    archiver,
    waitingFiles: waiting?.count,
    slots: [...slots],
  };
}

type StatusRow = Record<string, unknown> &
  WalServerStatus['archiver'] & {
    readonly systemIdentifier: string;
    readonly timeline: number;
    readonly currentLsn: Lsn;
    readonly isStandby: boolean;
    readonly archiveMode: string;
    readonly archiveTimeoutMs: number;
    readonly mayList: boolean;
  };
