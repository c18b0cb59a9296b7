import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { invalidLsn, type Lsn } from '../lsn.ts';
import type { ServerWatch } from '../serverProcess.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../sqlConnection.ts';
import { toTimelineId, type TimelineId } from '../timeline.ts';

/** How far recovery has come; each is undefined until it is known. */
export interface RecoveryProgress {
  /** The newest replayed position. Before consistency only PostgreSQL 15 and later tell it. */
  readonly replayLsn: Lsn | undefined;
  /** Commit time of the newest replayed transaction, as PostgreSQL prints it with its zone. */
  readonly replayedUntil: string | undefined;
  /** Newest file that restore_command fetched. */
  readonly restoredFile: string | undefined;
  readonly consistent: boolean;
}

export interface RecoveryEnd {
  /** `ended`: open for writing; `paused`: waits at the recovery target, open for reading. */
  readonly outcome: 'ended' | 'paused';
  /** The newest replayed position; when ended, the end of the WAL that was inherited or written. */
  readonly lsn: Lsn;
  readonly timeline: TimelineId;
  /** How the target was met: `before commit of transaction 735, time ...`; undefined: WAL was replayed to its end. */
  readonly stoppedAt: string | undefined;
  /** Commit time of the last replayed transaction, as PostgreSQL prints it; undefined when there was none. */
  readonly lastCommit: string | undefined;
  /** Where the cluster became consistent; undefined when no recovery was needed. */
  readonly consistentAt: Lsn | undefined;
}

interface ReplayRow extends SqlRow {
  readonly recovering: boolean;
  readonly paused: boolean;
  readonly lsn: Lsn | null;
  readonly last_commit: string | null;
  readonly timeline: number;
}

const pollMs = 50;

/** Waits until recovery is over or paused at its target; see `ServerProcess.waitForRecovery`. */
export async function waitForRecoveryEnd(
  ctx: Context,
  watch: ServerWatch,
  onProgress: ((progress: RecoveryProgress) => void) | undefined,
): Promise<RecoveryEnd> {
  await using poller = new ReplayPoller(watch);
  for (;;) {
    ctx.signal.throwIfAborted();
    watch.poll();
    const row = await poller.read(ctx);
    onProgress?.(progressOf(watch, row));
    if (row !== undefined && (!row.recovering || row.paused)) {
      watch.poll(); // the log line that says why has been written by now
      return endOf(watch, row);
    }
    await ctx.clock.sleep(pollMs, ctx.signal);
  }
}

/** Keeps one connection and opens it anew when recovery ended it (a conflict, DROP DATABASE, the end of recovery). */
class ReplayPoller implements AsyncDisposable {
  readonly #watch: ServerWatch;
  #connection: SqlConnection | undefined;

  constructor(watch: ServerWatch) {
    this.#watch = watch;
  }

  /** Undefined while the server does not accept connections. */
  async read(ctx: Context): Promise<ReplayRow | undefined> {
    if (this.#watch.status() !== 'ready') return undefined;
    try {
      this.#connection ??= await openSqlConnection(ctx, this.#watch.connection);
      const [row] = await this.#connection.query<ReplayRow>(replaySql(this.#watch.major));
      return row;
    } catch (error) {
      ctx.signal.throwIfAborted();
      await this[Symbol.asyncDispose]();
      if (!isOperationError(error, 'postgres-unreachable', 'postgres-protocol') && !isOver(error)) throw error;
      return undefined; // the next poll tells whether the server has ended
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}

/** Recovery ended while the statement ran: after it had seen that there is one, before it asked for a pause. */
function isOver(error: unknown): boolean {
  return isOperationError(error) && error.detail['sqlstate'] === '55000';
}

/** 13 knows only whether a pause was asked for, which at a recovery target is the same. */
function replaySql(major: number): string {
  const paused = major >= 14 ? `pg_get_wal_replay_pause_state() = 'paused'` : 'pg_is_wal_replay_paused()';
  return `
    SELECT recovering,
           CASE WHEN recovering THEN ${paused} ELSE false END AS paused,
           CASE WHEN recovering THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn,
           pg_last_xact_replay_timestamp()::text AS last_commit,
           CASE WHEN recovering THEN replayed.timeline
                ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline
      FROM pg_is_in_recovery() AS recovering,
           (SELECT greatest(timeline_id, min_recovery_end_timeline) AS timeline
              FROM pg_control_checkpoint(), pg_control_recovery()) AS replayed`;
}

function progressOf({ recovery }: ServerWatch, row: ReplayRow | undefined): RecoveryProgress {
  return {
    replayLsn: row?.lsn ?? recovery.redoPosition,
    replayedUntil: row?.last_commit ?? undefined,
    restoredFile: recovery.restoredFile,
    consistent: recovery.consistentAt !== undefined || row !== undefined,
  };
}

function endOf({ recovery }: ServerWatch, row: ReplayRow): RecoveryEnd {
  if (row.paused && recovery.insufficientSettings !== undefined) {
    throw new OperationError('postgres-settings', `recovery paused: ${recovery.insufficientSettings}`, {
      hint: 'start the server with settings at least as high as those in pg_control of the backup',
    });
  }
  return {
    outcome: row.paused ? 'paused' : 'ended',
    lsn: row.lsn ?? invalidLsn,
    timeline: toTimelineId(row.timeline),
    stoppedAt: recovery.stoppedAt,
    lastCommit: recovery.lastCommit ?? row.last_commit ?? undefined,
    consistentAt: recovery.consistentAt,
  };
}
