import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import { programPath } from '../postgres/installations.ts';
import { runProgram } from '../postgres/runProgram.ts';
import { makeDirectoryFor } from '../postgres/runtimeUser.ts';
import { startServer, type ServerProcess } from '../postgres/serverProcess.ts';
import { Sandbox, type SandboxOptions } from './sandbox/sandbox.ts';

/** A new cluster that nobody else can reach. Disposing removes all of it. */
export interface EmptySandbox extends AsyncDisposable {
  /** As superuser, to database template1. */
  readonly connection: ConnectionOptions;
  readonly sandbox: Sandbox;
  readonly server: ServerProcess;
}

export interface EmptySandboxOptions extends SandboxOptions {
  /** Name of the superuser that the cluster begins with; default `postgres`. */
  readonly superuser?: string;
}

/** What is in it is thrown away: nothing has to survive a crash. */
const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  autovacuum: 'off',
  jit: 'off',
  shared_buffers: '128MB',
};

/**
 * Makes a cluster in a sandbox and starts its server. Throws `program-missing` without server programs of that major
 * version, `postgres-program` with the server's words.
 */
export async function openEmptySandbox(ctx: Context, options: EmptySandboxOptions): Promise<EmptySandbox> {
  await using stack = new AsyncDisposableStack();
  const programs = { ...options.programs, programs: ['postgres', 'initdb'] as const };
  const sandbox = stack.use(await Sandbox.open(ctx, { ...options, programs }));
  const { installation, user, dataDirectory, directory } = sandbox;
  const { superuser = 'postgres' } = options;
  await makeDirectoryFor(user, dataDirectory);
  await runProgram(ctx, {
    program: programPath(installation, 'initdb'),
    args: [
      '-D',
      dataDirectory,
      `--username=${superuser}`,
      '--auth=trust',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    user,
  });
  const server = stack.use(
    await startServer(ctx, {
      installation,
      dataDirectory,
      runDirectory: join(directory, 'run'),
      user,
      launcher: sandbox.isolation.launcher,
      role: superuser,
      database: 'template1',
      settings: { ...settings, ...(installation.major >= 17 ? { event_triggers: 'off' } : {}) },
    }),
  );
  await server.waitUntilAccepting(ctx);
  const owned = stack.move();
  return { connection: server.connection, sandbox, server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
