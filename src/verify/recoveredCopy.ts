import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import type { RecoveryEnd } from '../postgres/serverProcess.ts';
import type { Repository } from '../repository/repository.ts';
import type { BaseBackup } from '../restore/baseBackup.ts';
import { loadClusterFiles } from './archive/clusterFiles.ts';
import { checkWalChain } from './archive/walChain.ts';
import { chooseRoute, type WantedTarget } from './recoveryRoute.ts';
import { materialise } from './sandbox/materialise.ts';
import { provideTablespace, tablespaceInspector } from './sandbox/newTablespaces.ts';
import { Sandbox, type SandboxOptions } from './sandbox/sandbox.ts';

export interface RecoveredCopyOptions {
  readonly backup: BaseBackup;
  readonly wanted: WantedTarget;
  readonly sandbox: Omit<SandboxOptions, 'major'>;
  readonly threads?: number | undefined;
  readonly progress: Progress;
}

/** A cluster as it was, running where it can harm nobody; it may be written to. Disposing removes all of it. */
export interface RecoveredCopy extends AsyncDisposable {
  /** As the superuser of the cluster. */
  readonly connection: ConnectionOptions;
  readonly major: number;
  readonly end: RecoveryEnd;
}

/**
 * Restores a backup in a sandbox and recovers it to a target. Throws `program-missing` without server programs of its
 * major version, `destination-full`, `postgres-program` with the server's words, what reading the archive throws, and
 * `restore-incomplete` when recovery did not end at its target.
 */
export async function openRecoveredCopy(
  ctx: Context,
  repository: Repository,
  options: RecoveredCopyOptions,
): Promise<RecoveredCopy> {
  const { backup, wanted, progress, threads } = options;
  const { record } = backup;
  const route = await chooseRoute(ctx, repository, { backup, wanted });
  const files = await loadClusterFiles(ctx, repository, backup);
  const { tablespaces } = await checkWalChain(ctx, repository, { backup, files });
  await using stack = new AsyncDisposableStack();
  const major = Math.floor(record.serverVersion / 10_000);
  const sandbox = stack.use(await Sandbox.open(ctx, { ...options.sandbox, major }));
  const { directory, user } = sandbox;
  await materialise(ctx, repository, { backup, directory, user, threads, progress });
  for (const created of tablespaces) provideTablespace(sandbox, created);
  progress.phase('replaying WAL');
  const running = stack.use(
    await sandbox.start(ctx, {
      recovery: route,
      databases: record.databases.map(({ name }) => name),
      segmentBytes: record.walSegmentBytes,
      fetch: (at, file) => route.fetch(at, file),
      inspect: tablespaceInspector(sandbox, record.walSegmentBytes),
    }),
  );
  const end = await Promise.race([running.server.waitForRecovery(ctx), running.feed.failed]);
  if (end.outcome !== 'ended' || end.lsn < route.reaches) {
    throw new OperationError('restore-incomplete', `the sandbox did not recover to ${route.described}`, {
      hint: '`understudy verify` with the same target tells more',
    });
  }
  const owned = stack.move();
  return { connection: running.server.connection, major, end, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
