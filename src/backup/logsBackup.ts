import type { Context } from '../base/context.ts';
import type { OperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { withLock, type LockWait } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { Upload, type UploadOptions, type UploadTotals } from '../repository/upload.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { earlierSnapshots } from './earlierSnapshots.ts';
import { awaitQuiet } from './logs/awaitQuiet.ts';
import { keepLocalPieces } from './logs/keepLocal.ts';
import { LogDirectory } from './logs/logDirectory.ts';
import type { Piece } from './logs/pieceName.ts';
import { rotateLogs } from './logs/rotateLogs.ts';
import { saveLogsSnapshot } from './logs/saveLogsSnapshot.ts';
import { loadStoredPieces } from './logs/storedPieces.ts';
import { storePieces } from './logs/storePieces.ts';
import { unpackLost } from './logs/unpackLost.ts';
import type { LogsRecord } from './logsRecord.ts';

export interface LogsBackupOptions extends Omit<UploadOptions, 'expectedChunks'> {
  readonly source: string;
  /** Absolute path. */
  readonly directory: string;
  /** Names or patterns (`*`, `?`, `[a-z]`) of the logs in it. */
  readonly files: readonly string[];
  /** `rename` for writers that open their log anew; `copy-truncate` for writers that only ever append. */
  readonly method: 'rename' | 'copy-truncate';
  /** Shell command that makes the writers open their logs anew; for `rename`. */
  readonly afterRotate?: string | undefined;
  /** How long pieces stay in the directory, packed, once they are stored. */
  readonly keepLocalMs: number;
  /** How long pieces are part of new snapshots. */
  readonly keepMs: number;
  /** How long to wait for the writers to open their logs anew. Default 30 s. */
  readonly quietTimeoutMs?: number;
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly lock?: LockWait;
  readonly progress: Progress;
}

export interface LogsBackupResult {
  readonly snapshot: Snapshot;
  readonly record: LogsRecord;
  readonly totals: UploadTotals;
  /** Pieces that were stored and old enough to be removed here. */
  readonly removed: number;
  /** What keeps some log from being complete in the snapshot; nothing of it is lost. */
  readonly problems: readonly OperationError[];
}

const defaultQuietTimeoutMs = 30_000;
const smallestChunkBytes = 512 * 1024;
/** Below this, starting threads costs more than they save. */
const singleThreadBytes = 48 * 1024 * 1024;

/**
 * Rotates the logs of a directory and stores what was closed: every byte that a writer wrote is in exactly one piece,
 * and all pieces of the last `keepMs` are in every snapshot, so that the newest one is the whole log. Killed anywhere,
 * the next run goes on (docs/decisions/0008). Throws `repository-locked`, `file-missing`, `file-denied`.
 */
export async function backupLogs(
  ctx: Context,
  opening: Repository | Promise<Repository>,
  options: LogsBackupOptions,
): Promise<LogsBackupResult> {
  const repository = await opening;
  return withLock(ctx, repository, {
    exclusive: false,
    ...options.lock,
    run: (locked) => rotateAndStore(locked, repository, options),
  });
}

async function rotateAndStore(
  ctx: Context,
  repository: Repository,
  options: LogsBackupOptions,
): Promise<LogsBackupResult> {
  const { progress, keepLocalMs, keepMs } = options;
  const startTime = ctx.clock.now();
  using directory = await LogDirectory.open(options.directory, options.files);
  progress.phase('rotating logs');
  const of = { kind: 'logs', source: options.source, hostname: options.hostname } as const;
  const earlier = await loadStoredPieces(ctx, repository, await earlierSnapshots(ctx, repository, of));
  const rotated = await rotateLogs(ctx, directory, { ...options, earlier: [...earlier.nodes.keys()] });
  const unpacked = await unpackLost(ctx, directory, { stored: earlier.nodes, keepMs });
  progress.phase('waiting for the writers');
  const settled = await awaitQuiet(ctx, directory, options.quietTimeoutMs ?? defaultQuietTimeoutMs);
  const pieces = settled.quiet.filter(({ name }) => directory.stat(name)?.size !== earlier.nodes.get(name)?.size);
  await using upload = await Upload.begin(ctx, repository, { ...options, ...effort(directory, pieces) });
  const added = await storePieces(ctx, { repository, upload, progress }, { directory, pieces });
  const problems = [...rotated, ...unpacked, ...settled.problems, ...added.problems];
  const saved = await saveLogsSnapshot(
    ctx,
    { repository, upload },
    { options, startTime, directory, earlier, added: added.nodes, problems },
  );
  progress.phase('compressing logs');
  const kept = await keepLocalPieces(ctx, directory, { stored: saved.nodes, keepLocalMs });
  return { ...saved, removed: kept.removed, problems: [...problems, ...kept.problems] };
}

/** What the upload should be prepared for. */
function effort(directory: LogDirectory, pieces: readonly Piece[]): Pick<UploadOptions, 'expectedChunks' | 'threads'> {
  const bytes = pieces.reduce((sum, { name }) => sum + Number(directory.stat(name)?.size ?? 0n), 0);
  const expectedChunks = pieces.length + Math.ceil(bytes / smallestChunkBytes);
  return { expectedChunks, ...(bytes < singleThreadBytes ? { threads: 0 } : {}) };
}
