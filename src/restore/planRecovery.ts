import { resolve } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { controlFilePath } from '../postgres/controlFile.ts';
import { autoConfPath, type RecoverySettings } from '../postgres/recoverySettings.ts';
import { tablespaceMapPath } from '../postgres/tablespaceMap.ts';
import type { TimelineAncestry, TimelineId } from '../postgres/timeline.ts';
import { majorOfServerVersion, tablespaceVersionDirectory } from '../postgres/version.ts';
import type { Repository } from '../repository/repository.ts';
import { planRestore } from '../restorer/planRestore.ts';
import type { RestorePlan } from '../restorer/restorePlan.ts';
import { dataDirectoryPath, findBaseBackup, loadBaseBackups, type BaseBackup } from './baseBackup.ts';
import { chooseRoute, type Route } from './chooseBackup.ts';
import { checkDestination, incompleteMarker, type DestinationState, type ExistingFiles } from './destination.ts';
import type { Landing } from './locateTarget.ts';
import { neededWal, verifyWal, type NeededWal } from './neededWal.ts';
import { checkRequest, type RecoveryRequest } from './recoveryTarget.ts';
import { loadClusters } from './recoveryWindow.ts';
import { checkTablespaces, planTablespaces, type PlannedTablespace, type TablespaceOptions } from './tablespaces.ts';
import { linkedWalDirectory } from './walDirectory.ts';

export interface PlanRecoveryOptions extends RecoveryRequest {
  /** Needed where the repository holds backups of several clusters. */
  readonly source?: string | undefined;
  /** Id of the backup to start from; default the newest that ends before the target. */
  readonly snapshot?: string | undefined;
  readonly destination: string;
  readonly existing: ExistingFiles;
  readonly tablespaces?: TablespaceOptions;
  /** Stay a standby, and follow this primary. */
  readonly standby?: RecoverySettings['standby'];
  /** Fetch and check all WAL that will be needed, instead of only seeing that it is there. */
  readonly verifyWal?: boolean;
  readonly progress?: Progress;
}

/** Everything that `applyRecovery` will do, and where recovery will land. Making it changed nothing. */
export interface RecoveryPlan {
  readonly backup: BaseBackup;
  readonly request: RecoveryRequest;
  /** The timeline that recovery is told to follow, and its history. */
  readonly timeline: TimelineId;
  readonly ancestry: TimelineAncestry;
  readonly landing: Landing;
  readonly wal: NeededWal;
  readonly destination: DestinationState;
  readonly existing: ExistingFiles;
  readonly tablespaces: readonly PlannedTablespace[];
  readonly standby: RecoverySettings['standby'];
  readonly files: RestorePlan;
  /** Rough: from rates that ordinary disks reach. */
  readonly estimateMs: { readonly restore: number; readonly replay: number };
}

/**
 * Written by us, and last; a copy of the source's would make the directory look complete, or recover to another point.
 */
const ownFiles = new Set([controlFilePath, autoConfPath, tablespaceMapPath]);

const restoreBytesPerSecond = 200e6;
const replayBytesPerSecond = 60e6;

/**
 * Works out a recovery, changing nothing. Throws `target-invalid`, `target-outside-window` and `wal-gap` when the
 * target cannot be reached, `destination-not-empty`, `cluster-running` and `cluster-mismatch` when the destination
 * cannot be used, `repository-damaged` when a part of the backup is missing, `not-found`.
 */
export async function planRecovery(
  ctx: Context,
  repository: Repository,
  options: PlanRecoveryOptions,
): Promise<RecoveryPlan> {
  const { target, timeline, inclusive, action, standby, existing, progress = silentProgress } = options;
  const request: RecoveryRequest = { target, timeline, inclusive, action };
  checkRequest(request, standby !== undefined);
  progress.phase('planning');
  const route = await findRoute(ctx, repository, { request, options });
  const wal = neededWal(route, request);
  if (options.verifyWal === true) await verifyWal(ctx, route, wal, progress);
  const { backup } = route;
  const destination = await checkDestination(options.destination, {
    existing,
    systemIdentifier: backup.systemIdentifier,
  });
  const tablespaces = planTablespaces(backup.record, options.tablespaces ?? {}, destination.path);
  checkTablespaces(backup.record, tablespaces, { dataDirectory: destination.path, existing });
  const files = await planFiles(ctx, repository, { backup, destination, existing, tablespaces });
  if (files.problems.length > 0) throw incompleteBackup(backup, files);
  return {
    backup,
    request,
    timeline: route.timeline,
    ancestry: route.ancestry,
    landing: route.landing,
    wal,
    destination,
    existing,
    tablespaces,
    standby,
    files,
    estimateMs: {
      restore: Math.round((files.totalBytes / restoreBytesPerSecond) * 1000),
      replay: Math.round((Number(wal.walBytes) / replayBytesPerSecond) * 1000),
    },
  };
}

async function findRoute(
  ctx: Context,
  repository: Repository,
  { request, options }: { readonly request: RecoveryRequest; readonly options: PlanRecoveryOptions },
): Promise<Route> {
  const { snapshot, source } = options;
  const backups =
    snapshot === undefined
      ? await loadBaseBackups(ctx, repository, source)
      : [await findBaseBackup(ctx, repository, { text: snapshot, source })];
  return chooseRoute(ctx, { clusters: await loadClusters(ctx, repository, backups), request });
}

interface FilesToPlan {
  readonly backup: BaseBackup;
  readonly destination: DestinationState;
  readonly existing: ExistingFiles;
  readonly tablespaces: readonly PlannedTablespace[];
}

async function planFiles(
  ctx: Context,
  repository: Repository,
  { backup, destination, existing, tablespaces }: FilesToPlan,
): Promise<RestorePlan> {
  const { record, snapshot } = backup;
  const major = majorOfServerVersion(record.serverVersion);
  const own = tablespaceVersionDirectory(major);
  const links = new Map(tablespaces.map(({ oid, location }) => [`pg_tblspc/${oid}`, resolve(location)]));
  const walDirectory = linkedWalDirectory(destination.path, existing);
  if (walDirectory !== undefined) links.set('pg_wal', walDirectory);
  return planRestore(ctx, repository, {
    treeId: snapshot.tree,
    subPath: dataDirectoryPath(record.source),
    destination: destination.path,
    existing,
    filter: ({ path }) => (ownFiles.has(path.toString('latin1')) ? 'skip' : 'restore'),
    redirect: (path) => links.get(path),
    removeSurplus: (path) => {
      const [top, tablespace, directory] = path.split('/');
      // a tablespace may be shared with clusters of other versions
      if (top === 'pg_tblspc' && links.has(`${top}/${tablespace}`) && directory !== own) return false;
      return path !== incompleteMarker && path !== 'pg_wal/lost+found'; // WAL has often a disk of its own
    },
  });
}

function incompleteBackup(backup: BaseBackup, files: RestorePlan): OperationError {
  const [first] = files.problems;
  const id = backup.snapshot.id.slice(0, 8);
  return new OperationError('repository-damaged', `backup ${id} is damaged: ${first?.problem}`, {
    hint: 'choose an older backup (`understudy snapshots`); `understudy check --read-data` tells what else is damaged',
    detail: { snapshot: backup.snapshot.id, problems: files.problems },
  });
}
