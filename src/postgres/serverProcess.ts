import type { Clock } from '../base/clock.ts';
import type { Context } from '../base/context.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import { programPath, type Installation } from './installations.ts';
import { postmasterStatus, type PostmasterStatus } from './process/postmasterFile.ts';
import { RecoveryLog } from './process/recoveryLog.ts';
import { waitForRecoveryEnd, type RecoveryEnd, type RecoveryProgress } from './process/recoveryWait.ts';
import { createRunDirectory, fixedSettings, socketPort } from './process/serverFiles.ts';
import { ServerLog } from './process/serverLog.ts';
import { recordServer } from './process/serverRecord.ts';
import { serverStopped } from './process/serverErrors.ts';
import { startWatched, type WatchedServer } from './process/watchedServer.ts';
import type { OsUser } from './runProgram.ts';

export type { RecoveryEnd, RecoveryProgress };

export interface ServerOptions {
  readonly installation: Installation;
  readonly dataDirectory: string;
  /**
   * Created here for configuration, socket, log and the record that `removeOrphans` reads; must not exist, and its path
   * must be short. Directly inside a scratch directory (scratchDirectory.ts) it is cleaned up even after a crash.
   */
  readonly runDirectory: string;
  /** Who the server runs as (runtimeUser.ts); undefined: as we do. */
  readonly user: OsUser | undefined;
  /**
   * Words of a command that runs as we do, prepares the surroundings of the server (mounts), becomes `user` itself and
   * then executes the words that follow, without forking. Default: nothing, the server starts as `user` at once.
   */
  readonly launcher?: readonly string[] | undefined;
  /**
   * Stronger than the cluster's postgresql.auto.conf; its postgresql.conf and pg_hba.conf are not read at all.
   * They are on the command line, where every user of the machine can read them: never a secret.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** A role that may log in, and a database that exists; default `postgres` both. */
  readonly role?: string;
  readonly database?: string;
}

/** What waiting looks at; `poll` reads the log and throws when the server has ended. */
export interface ServerWatch {
  readonly major: number;
  readonly connection: ConnectionOptions;
  readonly recovery: RecoveryLog;
  readonly status: () => PostmasterStatus | undefined;
  readonly poll: () => void;
}

const pollMs = 50;
const fastStopMs = 120_000;
const immediateStopMs = 15_000;

/**
 * Starts `postgres` itself on a data directory: no TCP, a private socket, everything logged to a file. The server
 * cannot outlive us: a watchdog ends it when this process ends. It is not waited for: see `waitUntilAccepting`. Throws
 * `program-missing`, or `usage` for a run directory with too long a path.
 */
export async function startServer(ctx: Context, options: ServerOptions): Promise<ServerProcess> {
  ctx.signal.throwIfAborted();
  const { installation, dataDirectory, runDirectory, user } = options;
  const program = programPath(installation, 'postgres');
  const files = createRunDirectory(runDirectory, user);
  const settings = { ...options.settings, ...fixedSettings(runDirectory, files, installation.major) };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await startWatched(ctx.clock, {
    program,
    args: ['-D', dataDirectory, ...args],
    user,
    launcher: options.launcher,
    logFile: files.logFile,
    dataDirectory,
  });
  recordServer(runDirectory, { pid: server.pid, dataDirectory });
  ctx.log.info({ pid: server.pid, dataDirectory, version: installation.version }, 'started PostgreSQL');
  return new ServerProcess(ctx.clock, server, { ...options, logFile: files.logFile });
}

/** A running server. Disposing shuts it down at once (`immediate`). */
export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly logFile: string;
  /** For SQL over the private socket. */
  readonly connection: ConnectionOptions;
  readonly #clock: Clock;
  readonly #server: WatchedServer;
  readonly #watch: ServerWatch;

  constructor(clock: Clock, server: WatchedServer, options: ServerOptions & { readonly logFile: string }) {
    const { logFile } = options;
    this.#clock = clock;
    this.#server = server;
    this.pid = server.pid;
    this.logFile = logFile;
    this.connection = {
      host: options.runDirectory,
      port: socketPort,
      user: options.role ?? 'postgres',
      database: options.database ?? 'postgres',
    };
    const recovery = new RecoveryLog();
    const log = new ServerLog(logFile, (entry) => recovery.add(entry));
    this.#watch = {
      major: options.installation.major,
      connection: this.connection,
      recovery,
      status: () => postmasterStatus(options.dataDirectory, server.pid),
      poll: () => {
        const exitStatus = server.exitStatus();
        log.read(exitStatus !== undefined);
        if (exitStatus !== undefined) throw serverStopped(exitStatus, recovery, logFile);
      },
    };
  }

  /**
   * Resolves when connections are accepted. That proves nothing about recovery, which may go on and still fail: see
   * `waitForRecovery`. Throws `postgres-program` (or `target-outside-window`) with the server's own words when it ends.
   */
  async waitUntilAccepting(ctx: Context): Promise<void> {
    for (;;) {
      ctx.signal.throwIfAborted();
      this.#watch.poll();
      if (this.#watch.status() === 'ready') return;
      await ctx.clock.sleep(pollMs, ctx.signal);
    }
  }

  /**
   * Resolves when recovery has ended, or waits at its target. Reports what has been replayed meanwhile.
   * Throws as `waitUntilAccepting`, and `postgres-settings` when recovery paused because a setting is too low.
   */
  async waitForRecovery(ctx: Context, onProgress?: (progress: RecoveryProgress) => void): Promise<RecoveryEnd> {
    return waitForRecoveryEnd(ctx, this.#watch, onProgress);
  }

  /** Exit status once the server has ended, else undefined. */
  get exitStatus(): number | undefined {
    return this.#server.exitStatus();
  }

  /**
   * Shuts down and returns the exit status (0 = cleanly). `fast` writes a checkpoint, `immediate` leaves a crash
   * recovery to the next start. A shutdown that takes too long is made harder, in the end with SIGKILL.
   */
  async stop(mode: 'fast' | 'immediate'): Promise<number> {
    if (mode === 'fast' && (await this.#signal('SIGINT', fastStopMs))) return this.#server.exited;
    if (await this.#signal('SIGQUIT', immediateStopMs)) return this.#server.exited;
    this.#server.kill();
    return this.#server.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
  }

  /** Sends a signal to the postmaster; true when it ended in time. */
  async #signal(signal: 'SIGINT' | 'SIGQUIT', limitMs: number): Promise<boolean> {
    if (this.exitStatus === undefined) process.kill(this.pid, signal);
    const over = new AbortController();
    const timeout = this.#clock.sleep(limitMs, over.signal).catch(() => undefined);
    await Promise.race([this.#server.exited, timeout]);
    over.abort();
    return this.exitStatus !== undefined;
  }
}
