import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import type { ReplicationConnection } from '../../postgres/replicationConnection.ts';
import { openSqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';

export interface SlotRequest {
  readonly name: string;
  readonly connection: ConnectionOptions;
}

export interface SlotState {
  /** The server has removed WAL that the slot was to keep, and keeps no more for it. */
  readonly lost: boolean;
  /** From here on the server keeps WAL; undefined where it cannot be asked, or none is kept. */
  readonly restartLsn: Lsn | undefined;
}

/**
 * Finds the slot, or creates it so that it keeps WAL from now on. What is wrong with an existing one is asked over an
 * SQL connection; where the role may not have one, the replication protocol tells less (13 and 14: only whether it
 * exists). Throws `wal-slot` for a slot of another kind, `postgres-settings` when there are too many slots.
 */
export async function prepareSlot(
  ctx: Context,
  replication: ReplicationConnection,
  request: SlotRequest,
): Promise<SlotState> {
  const { name } = request;
  const found = await readSlot(ctx, replication, request);
  if (found !== 'absent') return found;
  try {
    await replication.createPhysicalSlot(name);
    ctx.log.info({ slot: name }, 'created the replication slot');
  } catch (error) {
    // it may exist where nobody could tell
    if (!isOperationError(error, 'wal-slot') || error.detail['sqlstate'] !== duplicateObject) throw error;
  }
  const created = await readSlot(ctx, replication, request);
  return created === 'absent' ? { lost: false, restartLsn: undefined } : created;
}

/** Replaces a lost slot by a new one that keeps WAL from now on. */
export async function recreateSlot(
  ctx: Context,
  replication: ReplicationConnection,
  request: SlotRequest,
): Promise<SlotState> {
  await replication.dropSlot(request.name);
  ctx.log.warn({ slot: request.name }, 'dropped the replication slot that had lost its WAL');
  return prepareSlot(ctx, replication, request);
}

export function lostSlot(name: string): OperationError {
  return new OperationError(
    'wal-slot',
    `the replication slot "${name}" no longer keeps WAL: the server invalidated it`,
    {
      hint:
        'take a new base backup; --recreate-slot makes the slot anew and goes on from what the server still has. ' +
        'Did max_slot_wal_keep_size or idle_replication_slot_timeout end it while no receiver ran?',
      detail: { slot: name },
    },
  );
}

const duplicateObject = '42710';

type FoundSlot = SlotState | 'absent';

async function readSlot(ctx: Context, replication: ReplicationConnection, request: SlotRequest): Promise<FoundSlot> {
  return (await slotBySql(ctx, request)) ?? (await slotByReplication(replication, request.name));
}

/** Undefined when no SQL connection can be had. */
async function slotBySql(ctx: Context, { name, connection }: SlotRequest): Promise<FoundSlot | undefined> {
  try {
    await using sql = await openSqlConnection(ctx, connection);
    const [slot] = await sql.query<SqlRow & { kind: string; status: string | null; restart: Lsn | null }>(
      `SELECT slot_type AS kind, wal_status AS status, restart_lsn AS restart
         FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
      [name],
    );
    if (slot === undefined) return 'absent';
    if (slot.kind !== 'physical') throw notPhysical(name);
    return { lost: slot.status === 'lost', restartLsn: slot.restart ?? undefined };
  } catch (error) {
    if (!isOperationError(error, 'postgres-denied', 'not-found')) throw error;
    ctx.log.debug({ code: error.code }, 'no SQL connection to look at the replication slot');
    return undefined;
  }
}

async function slotByReplication(replication: ReplicationConnection, name: string): Promise<FoundSlot> {
  if (replication.major < 15) return 'absent'; // creating it will tell
  const slot = await replication.readReplicationSlot(name);
  if (slot === undefined) return 'absent';
  return { lost: slot.restartLsn === undefined, restartLsn: slot.restartLsn };
}

function notPhysical(name: string): OperationError {
  return new OperationError('wal-slot', `the replication slot "${name}" is a logical one`, {
    hint: 'choose another name for the slot of the WAL receiver',
    detail: { slot: name },
  });
}
