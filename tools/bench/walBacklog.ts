import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cluster } from '../../src/testing/postgresServer.ts';
import type { Bench } from './bench.ts';
import { runCommand } from './command.ts';
import { fillerSet, openDataSet } from './dataSets.ts';

const fullBacklog = 200;
const smallestBacklog = 4;
const fillerScale = 20;
export const segmentBytes = 16 * 2 ** 20;
const originSlot = 'bench_origin';
const transactionsPerCall = 2000;
const callsPerCheckpoint = 8;

/**
 * A stretch of WAL that a busy cluster made: on disk, behind a replication slot, and with the cluster as it was before.
 */
export interface WalBacklog {
  readonly cluster: Cluster;
  /** Data directory as it was before the first segment; its own pg_wal is empty. */
  readonly baseDirectory: string;
  readonly segmentsDirectory: string;
  /** Names of complete segments, in order. */
  readonly segments: readonly string[];
  /** End of the last one, as `X/X`. */
  readonly endLsn: string;
}

/** Makes a backlog anew. The cluster keeps all of its WAL, for whoever streams it. */
export async function makeBacklog(bench: Bench): Promise<WalBacklog & AsyncDisposable> {
  const { signal, workspace, options } = bench;
  const count = Math.max(smallestBacklog, Math.round(fullBacklog * options.scale));
  bench.report(`${count} WAL segments`);
  const cluster = await openDataSet(signal, workspace, fillerSet('wal', fillerScale * options.scale, 0));
  try {
    await cluster.sql(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
    await cluster.sql(`SELECT pg_create_physical_replication_slot('${originSlot}', true)`);
    await cluster.stop();
    const baseDirectory = workspace.join('wal', 'base');
    await workspace.emptyDirectory('wal');
    await copyBase(signal, cluster.dataDirectory, baseDirectory);
    await cluster.start();

    const { segments, endLsn } = await writeWal(signal, cluster, count);
    const segmentsDirectory = await workspace.emptyDirectory('wal', 'segments');
    const paths = segments.map((name) => join(cluster.dataDirectory, 'pg_wal', name));
    await runCommand(signal, { words: ['cp', '-p', ...paths, segmentsDirectory] });
    const dispose = async () => {
      await cluster[Symbol.asyncDispose]();
      await rm(dirname(cluster.dataDirectory), { recursive: true }); // with all the WAL that the slot keeps
    };
    return { cluster, baseDirectory, segmentsDirectory, segments, endLsn, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes the slot anew that a receiver starts from, at the beginning of the backlog. */
export async function resetSlot({ cluster }: WalBacklog, slot: string): Promise<void> {
  await dropSlot({ cluster }, slot);
  await cluster.sql(`SELECT pg_copy_physical_replication_slot('${originSlot}', '${slot}')`);
}

export async function dropSlot({ cluster }: Pick<WalBacklog, 'cluster'>, slot: string): Promise<void> {
  await cluster.sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [
    slot,
  ]);
}

/** A copy of a stopped cluster, without WAL and slots. */
async function copyBase(signal: AbortSignal, dataDirectory: string, baseDirectory: string): Promise<void> {
  await runCommand(signal, { words: ['cp', '-a', dataDirectory, baseDirectory] });
  for (const name of ['pg_wal', 'pg_replslot']) {
    await rm(join(baseDirectory, name), { recursive: true });
    await runCommand(signal, { words: ['mkdir', '-m', '700', join(baseDirectory, name)] });
  }
  await runCommand(signal, { words: ['mkdir', '-m', '700', join(baseDirectory, 'pg_wal/archive_status')] });
}

/**
 * Changes rows until `count` segments are complete, counted from the last checkpoint: recovery begins with the first.
 */
async function writeWal(
  signal: AbortSignal,
  cluster: Cluster,
  count: number,
): Promise<Pick<WalBacklog, 'segments' | 'endLsn'>> {
  const [start] = await cluster.sql<{ lsn: string }>(
    `SELECT pg_lsn '0/0' + floor((redo_lsn - '0/0') / ${segmentBytes}) * ${segmentBytes} AS lsn
     FROM pg_control_checkpoint()`,
  );
  const [end] = await cluster.sql<{ lsn: string }>(
    `SELECT pg_lsn '${start?.lsn}' + ${count * segmentBytes}::numeric AS lsn`,
  );
  for (let call = 1; ; call++) {
    signal.throwIfAborted();
    const [progress] = await cluster.sql<{ done: boolean }>(
      `SELECT pg_current_wal_insert_lsn() > '${end?.lsn}' AS done`,
    );
    if (progress?.done === true) break;
    await cluster.sql(`CALL run_transactions(${transactionsPerCall}, ${call})`);
    if (call % callsPerCheckpoint === 0) await cluster.sql('CHECKPOINT');
  }
  await cluster.sql('SELECT pg_switch_wal()');
  const names = await cluster.sql<{ name: string }>(
    `SELECT pg_walfile_name(pg_lsn '${start?.lsn}' + n * ${segmentBytes}::numeric + 1) AS name
     FROM generate_series(0, ${count - 1}) AS n`,
  );
  return { segments: names.map(({ name }) => name), endLsn: end?.lsn ?? '' };
}
