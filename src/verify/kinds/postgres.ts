import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { DataSubset } from '../../repository/dataSubset.ts';
import { findBaseBackup, type BaseBackup } from '../../restore/baseBackup.ts';
import { archiveCheckNames, checkArchive } from '../archive/archiveChecks.ts';
import { loadClusterFiles, type ClusterFiles } from '../archive/clusterFiles.ts';
import { checkData } from '../data/checkData.ts';
import { chooseRoute, type RecoveryRoute } from '../recoveryRoute.ts';
import { rehearseRecovery, restoreCheckNames } from '../restoreChecks.ts';
import type { KindVerification, Rehearsal, SnapshotUnderTest } from './kindVerification.ts';

/** A physical backup with its WAL: recovered in a sandbox. */
export const postgresVerification: KindVerification = {
  checkNames: {
    1: ['contents'],
    2: ['data'],
    3: archiveCheckNames,
    4: restoreCheckNames,
  },
  verify: verifyPostgres,
};

async function verifyPostgres(ctx: Context, subject: SnapshotUnderTest): Promise<Rehearsal | undefined> {
  const { repository, checks, level, assertions, options } = subject;
  const contents = await loadContents(ctx, subject);
  if (contents === undefined || level < 2) return undefined;
  const read = await checkData(ctx, subject, contents.files);
  if (level < 3) return undefined;
  const route = await findRoute(ctx, subject, contents.backup);
  const { progress, threads, subset, sandbox = {}, keepSandbox = false } = options;
  const evidence = { ...contents, crcs: read?.crcs ?? new Map<string, number>(), route, progress };
  const archive = await checkArchive(ctx, repository, { checks, evidence });
  if (level < 4 || read === undefined || !archive.good) return undefined;
  return rehearseRecovery(ctx, repository, {
    checks,
    options: {
      backup: contents.backup,
      route,
      tablespaces: archive.tablespaces,
      sandbox,
      everyRow: shareOf(subset),
      assertions: level < 5 ? [] : assertions,
      keep: keepSandbox,
      threads,
      progress,
    },
  });
}

async function loadContents(
  ctx: Context,
  { repository, snapshot, checks }: SnapshotUnderTest,
): Promise<{ backup: BaseBackup; files: ClusterFiles } | undefined> {
  let contents: { backup: BaseBackup; files: ClusterFiles } | undefined;
  await checks.run(1, 'contents', async () => {
    const backup = await findBaseBackup(ctx, repository, { text: snapshot.id });
    const files = await loadClusterFiles(ctx, repository, backup);
    contents = { backup, files };
    const { serverVersionText, source } = backup.record;
    return { status: 'passed', actual: `${files.size} files of ${source}, PostgreSQL ${serverVersionText}` };
  });
  return contents;
}

/** Archived WAL that cannot be read is a finding about it, and leaves the backup's own. */
async function findRoute(
  ctx: Context,
  { repository, options }: SnapshotUnderTest,
  backup: BaseBackup,
): Promise<RecoveryRoute> {
  try {
    return await chooseRoute(ctx, repository, { backup, wanted: options.target });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error)) throw error;
    return unknownRoute(backup, error);
  }
}

/** Stands in where the archive could not be looked at; level 4 is not reached with it. */
function unknownRoute(backup: BaseBackup, error: OperationError): RecoveryRoute {
  return {
    target: { kind: 'immediate' },
    inclusive: true,
    timeline: backup.timeline,
    described: 'the end of the backup',
    reaches: backup.stopLsn,
    isExact: true,
    outcome: () => Promise.reject(error),
    fetch: () => Promise.reject(error),
  };
}

function shareOf(subset: DataSubset | undefined): number {
  switch (subset?.kind) {
    case 'percent':
      return subset.percent / 100;
    case 'part':
      return 1 / subset.parts;
    default:
      return 1;
  }
}
