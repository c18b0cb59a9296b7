import { resolve } from 'node:path';
import { isPhysical, loadPhysicalRecord } from '../../backup/loadPhysicalRecord.ts';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { openSqlConnection } from '../../postgres/sqlConnection.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import type { Repository } from '../../repository/repository.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { loadSnapshots } from '../../snapshot/snapshots.ts';
import { WalArchive } from '../../wal/walArchive.ts';
import type { BackupPoint } from '../../wal/walGapMarkers.ts';
import { archivedClusters } from '../../wal/walClusters.ts';
import { archiverState } from '../../wal/walPushRequest.ts';
import { readWalServerStatus, type WalServerStatus } from '../../wal/walServerStatus.ts';
import { readArchiveStatus } from '../../wal/walStatus.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { openRepository } from '../openRepository.ts';
import { selectSources } from '../postgresSource.ts';
import type { walStatusSpec } from '../specs/walStatus.ts';
import { walStatusFields, walStatusText } from '../wal/describeWalStatus.ts';

export const run: CommandRun<typeof walStatusSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const repository = await openRepository(ctx, invocation);
  const server = await askServer(ctx, invocation);
  const clusters = await chooseClusters(ctx, repository, options.cluster ?? server?.systemIdentifier);
  let backupNeeded = false;
  for (const cluster of clusters) {
    const backups = await backupsOf(ctx, repository, cluster);
    const status = await readArchiveStatus(ctx, WalArchive.of(repository, cluster), backups);
    const own = server?.systemIdentifier === cluster ? server : undefined;
    printer.result('wal_archive', walStatusFields(status, own), () => walStatusText(status, own));
    backupNeeded ||= status.backupNeeded;
  }
  if (clusters.length === 0) printer.remark('no WAL has been archived');
  if (options.spool !== undefined) await showSpool(ctx, invocation, resolve(options.spool));
  if (backupNeeded) {
    throw new OperationError('wal-gap', 'WAL is missing, and no base backup has been taken since', {
      hint: 'take one now: understudy backup',
    });
  }
};

/** Undefined when no server is configured or named, or it cannot be asked: the archive's own state counts. */
async function askServer(
  ctx: Context,
  invocation: Invocation<typeof walStatusSpec>,
): Promise<WalServerStatus | undefined> {
  const { arguments: names, printer } = invocation;
  const { host, port, user, database } = invocation.options;
  const flags = { host, port, user, database };
  const config = await invocation.loadConfig();
  const isNamed = names.length > 0 || Object.values(flags).some((value) => value !== undefined);
  if (!isNamed && Object.keys(config.config.sources).length !== 1) return undefined;
  const [source] = await selectSources(config, names, flags);
  if (source === undefined) return undefined;
  try {
    await using connection = await openSqlConnection(ctx, source.connection);
    return await readWalServerStatus(connection);
  } catch (error) {
    if (!isOperationError(error, 'postgres-unreachable', 'postgres-denied', 'postgres-unsupported')) throw error;
    printer.warn(`the server cannot be asked: ${error.message}`);
    return undefined;
  }
}

async function chooseClusters(
  ctx: Context,
  repository: Repository,
  wanted: SystemIdentifier | undefined,
): Promise<SystemIdentifier[]> {
  if (wanted !== undefined) return [wanted];
  const anyArchive = WalArchive.of(repository, 0n as SystemIdentifier);
  return (await archivedClusters(ctx, anyArchive)).map(parseSystemIdentifier);
}

/** Base backups of the cluster, of any source; one that cannot be read does not count. */
async function backupsOf(ctx: Context, repository: Repository, cluster: SystemIdentifier): Promise<BackupPoint[]> {
  const points: BackupPoint[] = [];
  const unreadable = (snapshot: string, error: unknown): void => {
    if (!isOperationError(error)) throw error;
    ctx.log.warn({ snapshot, err: error }, 'a backup cannot be read');
  };
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository), { onUnreadable: unreadable });
  for (const snapshot of snapshots.filter(isPhysical)) {
    try {
      const record = await loadPhysicalRecord(ctx, repository, snapshot);
      if (record.systemIdentifier !== String(cluster)) continue;
      points.push({ timeline: toTimelineId(record.timeline), startLsn: parseLsn(record.startLsn) });
    } catch (error) {
      unreadable(snapshot.id, error);
    }
  }
  return points;
}

async function showSpool(ctx: Context, { printer }: Pick<Invocation, 'printer'>, spool: string): Promise<void> {
  const state = await archiverState(spool, ctx.signal);
  const fields = { spool, archiver: state === undefined ? null : { pid: state.pid, stored_files: state.storedFiles } };
  printer.result('wal_spool', fields, () =>
    state === undefined
      ? `no archiver runs in ${spool}`
      : `the archiver of ${spool} (process ${state.pid}) has stored ${state.storedFiles} files`,
  );
}
