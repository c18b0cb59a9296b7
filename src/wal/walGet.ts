import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { parseWalFileName } from '../postgres/walFileName.ts';
import type { Repository } from '../repository/repository.ts';
import { ObjectSealer, exportCredentials } from '../repository/sealedObject.ts';
import { canUsePrivateDirectory } from './background/privateDirectory.ts';
import { fetchWal } from './get/fetchWal.ts';
import { parentLives, placeContent } from './get/placeFile.ts';
import { RecoveryView, type RecoveryHistory } from './get/recoveryView.ts';
import { startPrefetcher } from './get/startPrefetcher.ts';
import { clusterOfWalFile } from './push/readWalFile.ts';
import { WalArchive } from './walArchive.ts';
import { archivedClusters } from './walClusters.ts';
import { getFromPrefetcher } from './walGetRequest.ts';
import { renewLeaseIfDue } from './walLeaseFile.ts';

export interface GetOptions {
  /** The file, as restore_command's `%f`. */
  readonly name: string;
  /** Where it is to go, as restore_command's `%p`. */
  readonly target: string;
  /** Whose archive; default: that of the cluster around `target`, else the only one in the repository. */
  readonly cluster?: SystemIdentifier | undefined;
  readonly history: RecoveryHistory;
}

export interface PrefetchOptions {
  /** Private directory of the prefetcher, on the file system of pg_wal; one for each recovery. */
  readonly spool: string;
  /** See `PrefetcherRequest`. */
  readonly origin: string;
  readonly location: string;
  readonly idleMs?: number;
}

const defaultIdleMs = 60_000;

/**
 * Fetches one file for a recovering server, in this process. Throws `wal-missing` when its absence is proved and
 * recovery may end here, `wal-unavailable` on any doubt, `usage`.
 */
export async function getFile(ctx: Context, repository: Repository, options: GetOptions): Promise<void> {
  const stillWanted = parentLives();
  const file = parseWalFileName(options.name);
  if (file === undefined) {
    throw new OperationError('usage', `${options.name} is not the name of a file in a WAL archive`, {
      hint: 'restore_command must pass %f and %p: understudy wal get "%f" "%p"',
    });
  }
  const archive = WalArchive.of(repository, await findCluster(ctx, repository, options));
  const content = await fetchWal(ctx, new RecoveryView(archive, options.history), { archive, file });
  placeContent(content, resolve(options.target), stillWanted);
}

/**
 * As `getFile`; starts a prefetcher in the background that fetches this file and those behind it. When that cannot be
 * had the work is done here. `open` opens the repository.
 */
export async function getFileAndFollowers(
  ctx: Context,
  open: () => Promise<Repository>,
  options: GetOptions & { readonly prefetch: PrefetchOptions },
): Promise<void> {
  const { prefetch, history } = options;
  const opening = open();
  const start = async () => {
    const repository = await opening;
    return {
      location: prefetch.location,
      credentials: exportCredentials(repository),
      systemIdentifier: String(await findCluster(ctx, repository, options)),
      spool: prefetch.spool,
      origin: prefetch.origin,
      history,
      serverPid: serverOf(options.target),
      idleMs: prefetch.idleMs ?? defaultIdleMs,
    };
  };
  const started = canUsePrivateDirectory(ctx, prefetch.spool) && (await startPrefetcher(prefetch.spool, start()));
  if (started && (await getFromPrefetcher(ctx.signal, { ...options, ...prefetch }))) return;
  const repository = await opening;
  await renewLeaseIfDue(ctx, WalArchive.of(repository, await findCluster(ctx, repository, options)), prefetch.spool);
  await getFile(ctx, repository, options);
}

async function findCluster(
  ctx: Context,
  repository: Repository,
  { cluster, target }: Pick<GetOptions, 'cluster' | 'target'>,
): Promise<SystemIdentifier> {
  if (cluster !== undefined) return cluster;
  try {
    return clusterOfWalFile(resolve(target));
  } catch (error) {
    if (!isOperationError(error)) throw error;
  }
  const codec = { sealer: new ObjectSealer(repository.masterKey), systemIdentifier: 0n as SystemIdentifier };
  const [only, ...others] = await archivedClusters(ctx, { backend: repository.backend, codec });
  if (only !== undefined && others.length === 0) return parseSystemIdentifier(only);
  throw new OperationError('wal-unavailable', 'cannot tell of which cluster WAL is wanted', {
    hint: `name the cluster with --cluster${only === undefined ? '' : `: ${[only, ...others].join(' or ')}`}`,
  });
}

/** Process id of the server around `target`; undefined when there is none. */
function serverOf(target: string): number | undefined {
  try {
    const pidFile = join(dirname(dirname(resolve(target))), 'postmaster.pid');
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
