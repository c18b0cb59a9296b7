import { randomBytes } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { OperationError, assert, isOperationError } from '../../base/errors.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import { versionFacts } from '../../postgres/version.ts';

/** What `pg_backup_stop` returns: the label goes into the backup byte for byte, never into the source's directory. */
export interface BackupStop {
  readonly stopLsn: Lsn;
  readonly label: string;
  /** Empty when the cluster has no tablespaces. */
  readonly tablespaceMap: string;
}

interface StopRow extends SqlRow {
  readonly lsn: Lsn;
  readonly labelfile: string;
  readonly spcmapfile: string;
}

/**
 * One session from pg_backup_start to pg_backup_stop (PostgreSQL documentation, "Making a Base Backup Using the Low
 * Level API"). Leaving it without `stop` aborts the backup on the server, since the session ends.
 */
export class BackupSession implements AsyncDisposable {
  readonly sql: SqlConnection;
  #started = false;

  private constructor(sql: SqlConnection) {
    this.sql = sql;
  }

  static async open(ctx: Context, connection: ConnectionOptions): Promise<BackupSession> {
    return new BackupSession(await openSqlConnection(ctx, connection));
  }

  /**
   * Makes the server keep its WAL from now to the end of this session, with a temporary slot. Without the right or a
   * free slot the backup goes on: the WAL is then there unless the server recycles it meanwhile, which `storeWal`
   * notices.
   */
  async holdWal(ctx: Context): Promise<void> {
    try {
      await this.sql.query('SELECT pg_catalog.pg_create_physical_replication_slot($1, true, true)', [
        `understudy_backup_${process.pid}_${randomBytes(4).toString('hex')}`,
      ]);
    } catch (error) {
      if (!isOperationError(error, 'postgres-denied', 'postgres-settings', 'wal-slot')) throw error;
      ctx.log.warn({ reason: error.message }, 'no temporary slot holds back WAL during the backup');
    }
  }

  /** Starts the backup with an immediate checkpoint and returns its start LSN. */
  async start(label: string, options: { readonly fastCheckpoint: boolean }): Promise<Lsn> {
    const { beginBackupSql } = versionFacts(this.sql.major);
    const row = await this.sql.queryOne<{ lsn: Lsn }>(beginBackupSql, [label, options.fastCheckpoint]);
    this.#started = true;
    return row.lsn;
  }

  /** Ends the backup without waiting for archiving: the WAL it needs is stored with it. Throws `backup-aborted`. */
  async stop(): Promise<BackupStop> {
    assert(this.#started, 'a backup is stopped after it was started');
    const { endBackupSql } = versionFacts(this.sql.major);
    try {
      const row = await this.sql.queryOne<StopRow>(endBackupSql, [false]);
      return { stopLsn: row.lsn, label: row.labelfile, tablespaceMap: row.spcmapfile };
    } catch (cause) {
      if (!isOperationError(cause)) throw cause;
      throw new OperationError('backup-aborted', `PostgreSQL did not end the backup: ${cause.message}`, {
        hint: cause.hint ?? 'was the server restarted, or the standby promoted, while the backup ran? run it again',
        cause,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql[Symbol.asyncDispose]();
  }
}
