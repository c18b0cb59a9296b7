import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { controlFilePath, parseControlFile } from '../postgres/controlFile.ts';
import { programPath, reachableInstallation, type Installation } from '../postgres/installations.ts';
import { runProgram, type OsUser } from '../postgres/runProgram.ts';
import { createScratchDirectory } from '../postgres/scratchDirectory.ts';
import { startServer, type RecoveryEnd } from '../postgres/serverProcess.ts';
import { exists } from './destination.ts';
import type { RecoveryPlan } from './planRecovery.ts';
import { watchReplay } from './watchReplay.ts';

export interface RunRecoveryOptions {
  readonly installation: Installation;
  /** Who the server runs as; undefined: as we do. */
  readonly user: OsUser | undefined;
  /** A superuser that exists in the cluster; default `postgres`. */
  readonly role?: string;
  readonly progress?: Progress;
}

/**
 * Recovers a restored data directory to its target, with a server that nobody else can reach, and shuts it down
 * cleanly. A server that waits at its target (action pause) is left there: it will wait again when it is started.
 */
export async function runRecovery(ctx: Context, plan: RecoveryPlan, options: RunRecoveryOptions): Promise<RecoveryEnd> {
  await using scratch = await createScratchDirectory(tmpdir());
  const { user } = options;
  const installation = await reachableInstallation(ctx, options.installation, { user, directory: scratch.path });
  await using server = await startServer(ctx, {
    installation,
    dataDirectory: plan.destination.path,
    runDirectory: join(scratch.path, 'run'),
    user,
    settings: recoverySettings(plan.destination.path, options.installation.major),
    ...(options.role === undefined ? {} : { role: options.role }),
  });
  const { progress } = options;
  const end = await watchReplay(ctx, server, { plan, ...(progress === undefined ? {} : { progress }) });
  await server.stop('fast');
  return end;
}

/**
 * Starts the server of a data directory for good, with its own configuration, and waits until it accepts connections.
 */
export async function startForGood(ctx: Context, dataDirectory: string, options: RunRecoveryOptions): Promise<void> {
  if (!exists(join(dataDirectory, 'postgresql.conf'))) {
    throw new OperationError('file-missing', `${dataDirectory} has no postgresql.conf`, {
      hint: 'its configuration was kept elsewhere (Debian: /etc/postgresql): bring it back, and start the server with it',
    });
  }
  const args = ['start', '-D', dataDirectory, '-w', '-t', '600', '-l', join(dataDirectory, 'startup.log')];
  await runProgram(ctx, { program: programPath(options.installation, 'pg_ctl'), args, user: options.user });
}

/**
 * At least the limits of the server that wrote the WAL. Archiving is on and fails: what has to be archived of the new
 * timeline is noted, and done by the server that is started for good.
 */
function recoverySettings(dataDirectory: string, major: number): Record<string, string> {
  const reading = parseControlFile(readFileSync(join(dataDirectory, controlFilePath)));
  if (reading.state === 'torn') {
    throw new OperationError('restore-incomplete', `${controlFilePath} in ${dataDirectory} is damaged`, {
      hint: 'restore again with --delta',
    });
  }
  const { limits } = reading.controlFile;
  return {
    hot_standby: 'on',
    archive_mode: 'on',
    archive_command: '',
    ...(major >= 15 ? { archive_library: '' } : {}),
    max_connections: String(limits.maxConnections),
    max_worker_processes: String(limits.maxWorkerProcesses),
    max_wal_senders: String(limits.maxWalSenders),
    max_prepared_transactions: String(limits.maxPreparedTransactions),
    max_locks_per_transaction: String(limits.maxLocksPerTransaction),
  };
}
