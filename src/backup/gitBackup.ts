import type { Context } from '../base/context.ts';
import { OperationError, assert, isOperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { Secret } from '../base/secret.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { Upload, type UploadOptions, type UploadTotals } from '../repository/upload.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { checkMirror } from './git/checkMirror.ts';
import { compareRemote } from './git/compareRemote.ts';
import { openLocalSource, readRemotes, type GitSource, type LocalSource, type SourceRefs } from './git/gitSource.ts';
import { Mirror } from './git/mirror.ts';
import { openRemoteSource } from './git/remoteSource.ts';
import { parseRemoteUrl, type RemoteUrl } from './git/remoteUrl.ts';
import { saveGitSnapshot } from './git/saveGitSnapshot.ts';
import { readWorkingState, type WorkingState } from './git/workingState.ts';
import type { GitRecord, RemoteComparison } from './gitRecord.ts';

export interface GitBackupOptions extends Omit<UploadOptions, 'expectedChunks'> {
  readonly source: string;
  /** Working directory or bare repository. Without one, the first of the remotes is backed up. */
  readonly path?: string | undefined;
  /** Other copies, by name, beside those that the repository knows; URLs may hold credentials. */
  readonly remotes: Readonly<Record<string, Secret>>;
  /** Private directory where the mirror is kept between backups. */
  readonly mirrorDirectory: string;
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

export interface GitBackupResult {
  readonly snapshot: Snapshot;
  readonly record: GitRecord;
  readonly totals: UploadTotals;
}

/** What was found out about the repository, and is in the mirror. */
export interface MirroredSource extends WorkingState, Pick<GitRecord, 'packs' | 'sizeBytes'> {
  readonly source: GitSource;
  readonly refs: SourceRefs;
  readonly remotes: readonly RemoteComparison[];
  readonly remarks: readonly string[];
}

/** Below this, starting threads costs more than they save. */
const singleThreadBytes = 48 * 1024 * 1024;

/**
 * Mirrors a git repository with all its refs and stashes, compares it with every remote, checks every object and stores
 * the mirror: what is restored can be cloned. Remotes that cannot be reached are in the record, with the reason. Throws
 * `file-missing`, `source-unsuitable`, `program-failed`, `program-missing`, `source-changed`, and `check-failed` when
 * the repository itself is damaged.
 */
export async function backupGit(
  ctx: Context,
  opening: Repository | Promise<Repository>,
  options: GitBackupOptions,
): Promise<GitBackupResult> {
  const startTime = ctx.clock.now();
  const { source, local, remotes, uncontacted } = await openSource(ctx, options);
  using mirror = await Mirror.open(ctx, options.mirrorDirectory, source.objectFormat);
  const found = await mirrorSource(ctx, mirror, { source, remotes, progress: options.progress });
  const state = local === undefined ? nothingLocal : await readWorkingState(ctx, local);
  const size = await mirror.settle(ctx);
  const mirrored = { ...state, ...found, ...size, source, remotes: [...found.remotes, ...uncontacted] };
  const repository = await opening;
  return await withLock(ctx, repository, {
    exclusive: false,
    ...options.lock,
    run: async (locked) => {
      const threads = size.sizeBytes < singleThreadBytes ? { threads: 0 } : {};
      await using upload = await Upload.begin(locked, repository, { ...options, ...threads });
      return await saveGitSnapshot(locked, { repository, upload }, { options, startTime, mirror, mirrored });
    },
  });
}

const nothingLocal: WorkingState = { working: null, stashes: 0, submodules: [], usesLfs: false };

interface OpenSource {
  readonly source: GitSource;
  readonly local: LocalSource | undefined;
  readonly remotes: ReadonlyMap<string, RemoteUrl>;
  /** Remotes that another user wrote into the configuration of the repository. */
  readonly uncontacted: readonly RemoteComparison[];
}

async function openSource(ctx: Context, { path, remotes }: GitBackupOptions): Promise<OpenSource> {
  const named = new Map(
    Object.entries(remotes).map(([name, url]) => [name, parseRemoteUrl(url.reveal(), path ?? '/')] as const),
  );
  if (path === undefined) {
    const [first, ...others] = named;
    assert(first !== undefined, 'a git repository has a path or remotes');
    return {
      source: await openRemoteSource(ctx, first[1]),
      local: undefined,
      remotes: new Map(others),
      uncontacted: [],
    };
  }
  const local = await openLocalSource(ctx, path);
  const known = await readRemotes(ctx, local);
  if (local.user === undefined) {
    return { source: local, local, remotes: new Map([...known, ...named]), uncontacted: [] };
  }
  const uncontacted = [...known].filter(([name]) => !named.has(name)).map(([name, { url }]) => notContacted(name, url));
  return { source: local, local, remotes: named, uncontacted };
}

/** Who may write to the repository must not send us, with the rights and keys of root, wherever they like. */
function notContacted(name: string, url: string): RemoteComparison {
  const reason = 'it is not contacted as root, since the repository belongs to another user: name it under remotes';
  return { name, url, state: 'unreachable', reason, branches: [] };
}

type Mirrored = Pick<MirroredSource, 'refs' | 'remotes' | 'remarks'>;

interface Mirroring {
  readonly source: GitSource;
  readonly remotes: ReadonlyMap<string, RemoteUrl>;
  readonly progress: Progress;
}

/** Brings the mirror up to date. A damaged one is made anew: what is damaged then is the fault of the source. */
async function mirrorSource(ctx: Context, mirror: Mirror, mirroring: Mirroring): Promise<Mirrored> {
  try {
    return await tryMirroring(ctx, mirror, mirroring);
  } catch (error) {
    if (!isOperationError(error, 'program-failed', 'check-failed') || ctx.signal.aborted) throw error;
    // the network, or the source, may be the reason as well
    if (error.code === 'program-failed' && (await checkMirror(ctx, mirror)).damage.length === 0) throw error;
    ctx.log.warn({ mirror: mirror.path, reason: error.message }, 'the mirror is made anew');
    await mirror.rebuild(ctx, mirroring.source.objectFormat);
    return tryMirroring(ctx, mirror, mirroring);
  }
}

async function tryMirroring(ctx: Context, mirror: Mirror, { source, remotes, progress }: Mirroring): Promise<Mirrored> {
  progress.phase('mirroring the repository');
  const refs = await mirror.follow(ctx, source);
  progress.phase('comparing with the remotes', { items: remotes.size });
  const comparisons: RemoteComparison[] = [];
  for (const [name, remote] of remotes) {
    comparisons.push(await compareRemote(ctx, mirror, { name, remote }));
    progress.advance({ items: 1 });
  }
  progress.phase('checking every object');
  const { damage, remarks } = await checkMirror(ctx, mirror);
  if (damage.length === 0) return { refs, remotes: comparisons, remarks };
  throw new OperationError('check-failed', `the git repository ${source.remote.url} is damaged: ${damage[0]}`, {
    hint: 'run `git fsck --full` there, and fetch what is missing from a remote or an older backup',
    detail: { damage },
  });
}
