import { formatBytes } from '../base/bytes.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { DataSubset } from '../repository/dataSubset.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { findBaseBackup, type BaseBackup } from '../restore/baseBackup.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { findSnapshot } from '../snapshot/snapshotSelector.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { formatTimestamp } from '../snapshot/time.ts';
import { archiveCheckNames, checkArchive } from './archive/archiveChecks.ts';
import { loadClusterFiles, type ClusterFiles } from './archive/clusterFiles.ts';
import { readFiles, type FilesRead } from './data/readFiles.ts';
import { CheckList, judge } from './proof/checkList.ts';
import { composeProof } from './proof/composeProof.ts';
import type { Level, Proof } from './proof.ts';
import { chooseRoute, type RecoveryRoute, type WantedTarget } from './recoveryRoute.ts';
import { checkStructure } from './repositoryChecks.ts';
import { rehearseRecovery, restoreCheckNames, type Rehearsal, type RestoreOptions } from './restoreChecks.ts';

export interface VerifySnapshotOptions {
  /** An id, the beginning of one, or `latest`; of this source, default of any. */
  readonly selector: { readonly text: string; readonly source?: string | undefined };
  /** Everything up to this level is checked. */
  readonly level: Level;
  /** How far level 4 recovers; default as far as the archived WAL reaches, without any to the end of the backup. */
  readonly target?: WantedTarget | undefined;
  /** Which files are read below level 4, and for which share of the indexes every row is looked up; default all. */
  readonly subset?: DataSubset | undefined;
  readonly sandbox?: RestoreOptions['sandbox'];
  readonly keepSandbox?: boolean;
  readonly threads?: number | undefined;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

export interface VerifiedSnapshot {
  readonly proof: Proof;
  /** Where the restored cluster was left, when that was asked for. */
  readonly kept?: string;
}

const physicalTag = 'kind:postgres';
const namesByLevel: Readonly<Record<Level, readonly string[]>> = {
  1: ['structure', 'contents'],
  2: ['data'],
  3: archiveCheckNames,
  4: restoreCheckNames,
};

/**
 * Verifies a physical backup up to a level. A bad backup is a result, and so is a bad tester; thrown is only what keeps
 * it from being found: `not-found`, `ambiguous-id`, `usage` for a snapshot of another kind, `repository-locked`.
 */
export async function verifySnapshot(
  ctx: Context,
  repository: Repository,
  options: VerifySnapshotOptions,
): Promise<VerifiedSnapshot> {
  return withLock(ctx, repository, {
    ...options.lock,
    exclusive: false,
    run: async (locked) => {
      const snapshot = await findPhysical(locked, repository, options.selector);
      return new SnapshotVerification(locked, { repository, snapshot, options }).run();
    },
  });
}

class SnapshotVerification {
  readonly #ctx: Context;
  readonly #repository: Repository;
  readonly #snapshot: Snapshot;
  readonly #options: VerifySnapshotOptions;
  readonly #checks: CheckList;
  readonly #startedAt: Date;
  #rehearsal: Rehearsal | undefined;

  constructor(ctx: Context, parts: { repository: Repository; snapshot: Snapshot; options: VerifySnapshotOptions }) {
    this.#ctx = ctx;
    this.#repository = parts.repository;
    this.#snapshot = parts.snapshot;
    this.#options = parts.options;
    this.#checks = new CheckList(ctx);
    this.#startedAt = ctx.clock.now();
  }

  async run(): Promise<VerifiedSnapshot> {
    await this.#checkLevels();
    const { level } = this.#options;
    const levels = [1, 2, 3, 4] as const;
    const { id, time, paths } = this.#snapshot;
    const proof = composeProof(this.#ctx, {
      level,
      snapshot: { id, source: (paths[0] ?? '/').slice(1), time: formatTimestamp(time) },
      startedAt: this.#startedAt,
      checks: this.#checks,
      wanted: levels.filter((one) => one <= level).flatMap((one) => namesByLevel[one]),
      rehearsal: this.#rehearsal,
    });
    const kept = this.#rehearsal?.kept;
    return kept === undefined ? { proof } : { proof, kept };
  }

  /** A damaged repository does not keep the backup itself from being looked at; a damaged backup is not restored. */
  async #checkLevels(): Promise<void> {
    const { level, progress, threads } = this.#options;
    const scope = { snapshot: this.#snapshot.id, progress, threads };
    await checkStructure(this.#ctx, this.#repository, { checks: this.#checks, options: scope });
    const contents = await this.#loadContents();
    if (contents === undefined || level < 2) return;
    const read = await this.#readData(contents.files);
    if (level < 3) return;
    const route = await this.#findRoute(contents.backup);
    const evidence = { ...contents, crcs: read?.crcs ?? new Map<string, number>(), route, progress };
    const archive = await checkArchive(this.#ctx, this.#repository, { checks: this.#checks, evidence });
    const sound = read !== undefined && archive.good;
    if (level < 4 || !sound) return;
    const { subset, keepSandbox = false, sandbox = {} } = this.#options;
    this.#rehearsal = await rehearseRecovery(this.#ctx, this.#repository, {
      checks: this.#checks,
      options: {
        backup: contents.backup,
        route,
        tablespaces: archive.tablespaces,
        sandbox,
        everyRow: shareOf(subset),
        keep: keepSandbox,
        threads,
        progress,
      },
    });
  }

  async #loadContents(): Promise<{ backup: BaseBackup; files: ClusterFiles } | undefined> {
    let contents: { backup: BaseBackup; files: ClusterFiles } | undefined;
    await this.#checks.run(1, 'contents', async () => {
      const backup = await findBaseBackup(this.#ctx, this.#repository, { text: this.#snapshot.id });
      const files = await loadClusterFiles(this.#ctx, this.#repository, backup);
      contents = { backup, files };
      const { serverVersionText, source } = backup.record;
      return { status: 'passed', actual: `${files.size} files of ${source}, PostgreSQL ${serverVersionText}` };
    });
    return contents;
  }

  /** Undefined when something is damaged. */
  async #readData(files: ClusterFiles): Promise<FilesRead | undefined> {
    const { subset, threads, progress } = this.#options;
    let read: FilesRead | undefined;
    const good = await this.#checks.run(2, 'data', async () => {
      read = await readFiles(this.#ctx, this.#repository, { files, subset, threads, progress });
      const wrong = read.problems.map(
        ({ object, blob, problem }) => `${object}: ${problem}${blob === undefined ? '' : ` (blob ${blob})`}`,
      );
      return judge(wrong, { actual: `${read.files} of ${files.size} files, ${formatBytes(read.bytes)} read` });
    });
    return good ? read : undefined;
  }

  /** Archived WAL that cannot be read is a finding about it, and leaves the backup's own. */
  async #findRoute(backup: BaseBackup): Promise<RecoveryRoute> {
    try {
      return await chooseRoute(this.#ctx, this.#repository, { backup, wanted: this.#options.target });
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      if (!isOperationError(error)) throw error;
      return unknownRoute(backup, error);
    }
  }
}

async function findPhysical(
  ctx: Context,
  repository: Repository,
  { text, source }: VerifySnapshotOptions['selector'],
): Promise<Snapshot> {
  const tags = source === undefined ? [physicalTag] : [physicalTag, `source:${source}`];
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text, filter: { tags: [tags] } });
  if (snapshot.tags.includes(physicalTag)) return snapshot;
  throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} is no physical backup of a cluster`, {
    hint: 'without a snapshot, verify reads the whole repository: verify --repository',
    detail: { snapshot: snapshot.id },
  });
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
