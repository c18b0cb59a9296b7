import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import type { Lsn } from './lsn.ts';
import { type SystemIdentifier, parseSystemIdentifier } from './systemIdentifier.ts';
import { type TimelineId, timelineHistoryFileName } from './timeline.ts';
import { type PostgresMajor, majorOfServerVersion } from './version.ts';
import { type ConnectedClient, connectClient } from './wire/connect.ts';
import type { RawRow } from './wire/messages.ts';
import { lsnAt, quoteIdentifier, required, textAt, timelineAt } from './wire/rows.ts';
import { WireSession } from './wire/session.ts';
import { simpleQuery } from './wire/simpleQuery.ts';

export interface ServerIdentity {
  readonly systemIdentifier: SystemIdentifier;
  readonly timeline: TimelineId;
  /** How far the server has flushed its WAL (a standby: received and replayed). */
  readonly flushedLsn: Lsn;
}

export interface PhysicalSlot {
  /** Undefined: the slot reserves no WAL yet. */
  readonly restartLsn: Lsn | undefined;
  readonly restartTimeline: TimelineId | undefined;
}

export interface SlotOptions {
  /** Keep WAL from now on, and not only from the first use of the slot. Default true. */
  readonly reserveWal?: boolean;
  /** Dropped when the connection ends, and also when any command on it fails. Default false. */
  readonly temporary?: boolean;
}

/**
 * Logs in for replication. If pg_hba.conf has no `replication` line for us and a database is given, the same commands
 * are tried over a connection to that database, which an ordinary line admits; it serves them all the same.
 * Throws `postgres-unreachable`, `postgres-denied`, `postgres-settings`, `postgres-unsupported`, or the signal's
 * reason. The connection ends when `ctx.signal` aborts.
 */
export async function openReplicationConnection(
  ctx: Context,
  options: ConnectionOptions,
): Promise<ReplicationConnection> {
  const connected = await connectForReplication(ctx, options);
  const session = new WireSession(ctx, connected);
  try {
    return new ReplicationConnection(session);
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function connectForReplication(ctx: Context, options: ConnectionOptions): Promise<ConnectedClient> {
  try {
    return await connectClient(ctx, options, 'true');
  } catch (error) {
    const refused = isOperationError(error, 'postgres-denied') && error.detail['sqlstate'] === '28000';
    if (!refused || options.database === undefined) throw error;
    try {
      const connected = await connectClient(ctx, options, 'database');
      ctx.log.info({ database: options.database }, 'no replication line in pg_hba.conf: streaming through a database');
      return connected;
    } catch (second) {
      ctx.signal.throwIfAborted();
      throw isOperationError(second, 'postgres-denied') ? error : second;
    }
  }
}

/**
 * A connection that understands replication commands; one at a time. Streams begin with `startReplication`
 * (walStream.ts) and `startBaseBackup` (baseBackupStream.ts) and give the connection back when they have ended.
 * Any command throws `postgres-unreachable` when the connection is cut.
 */
export class ReplicationConnection implements AsyncDisposable {
  /** For the streams of this folder only. */
  readonly session: WireSession;
  readonly major: PostgresMajor;

  /** Throws `postgres-unsupported` for a version that we do not know. */
  constructor(session: WireSession) {
    this.session = session;
    this.major = majorOfServerVersion(Number.parseInt(session.parameters.get('server_version') ?? '', 10) * 10_000);
  }

  async identifySystem(): Promise<ServerIdentity> {
    const row = await this.#oneRow('IDENTIFY_SYSTEM', 'asking PostgreSQL who it is');
    return {
      systemIdentifier: parseSystemIdentifier(required(textAt(row, 0))),
      timeline: required(timelineAt(row, 1)),
      flushedLsn: required(lsnAt(row, 2)),
    };
  }

  /** The value of a setting, as SHOW prints it. */
  async show(name: string): Promise<string> {
    return required(textAt(await this.#oneRow(`SHOW ${quoteIdentifier(name)}`, `reading the setting ${name}`), 0));
  }

  /** Undefined when there is no such slot. Servers before 15 do not know the command: `postgres-unsupported`. */
  async readReplicationSlot(name: string): Promise<PhysicalSlot | undefined> {
    const attempted = `reading the replication slot "${name}"`;
    if (this.major < 15) {
      throw new OperationError('postgres-unsupported', `${attempted}: PostgreSQL ${this.major} cannot do that`, {
        hint: 'read pg_replication_slots over an SQL connection',
      });
    }
    const row = await this.#oneRow(`READ_REPLICATION_SLOT ${quoteIdentifier(name)}`, attempted);
    if (row[0] === null) return undefined;
    return { restartLsn: lsnAt(row, 1), restartTimeline: timelineAt(row, 2) };
  }

  /** Throws `wal-slot` when it exists already, `postgres-settings` when all slots are taken. */
  async createPhysicalSlot(name: string, options: SlotOptions = {}): Promise<void> {
    const temporary = options.temporary === true ? ' TEMPORARY' : '';
    const reserve = (options.reserveWal ?? true) ? ' RESERVE_WAL' : '';
    const command = `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)}${temporary} PHYSICAL${reserve}`;
    await simpleQuery(this.session, command, `creating the replication slot "${name}"`);
  }

  /** Throws `wal-slot` when it does not exist or is in use. */
  async dropSlot(name: string): Promise<void> {
    await simpleQuery(
      this.session,
      `DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`,
      `dropping the replication slot "${name}"`,
    );
  }

  /** The bytes of a timeline's history file. Throws `not-found`, also for timeline 1, which has none. */
  async timelineHistory(timeline: TimelineId): Promise<Buffer> {
    const name = timelineHistoryFileName(timeline);
    const row = await this.#oneRow(`TIMELINE_HISTORY ${timeline}`, `fetching the timeline history ${name}`);
    return Buffer.from(required(row[1]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }

  async #oneRow(command: string, attempted: string): Promise<RawRow> {
    const [row] = await simpleQuery(this.session, command, attempted);
    return required(row);
  }
}
