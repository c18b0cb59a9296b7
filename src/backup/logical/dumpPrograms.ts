import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { libpqEnvironment } from '../../postgres/libpqEnvironment.ts';
import { openProgram } from '../../postgres/runProgram.ts';
import type { ArchiveStore, StoredArchive } from './archiveStore.ts';
import { laterLockWaitMs } from './dumpSession.ts';

export type { StoredArchive } from './archiveStore.ts';

/** One run of pg_dump. */
export interface DumpRun {
  readonly connection: ConnectionOptions;
  readonly database: string;
  readonly snapshotId: string;
  /** Arguments are UTF-8, and so is the archive; without, it is in the encoding of the database, byte for byte. */
  readonly utf8: boolean;
  /** What to dump. */
  readonly args: readonly string[];
}

export interface DumpTarget {
  readonly programs: ClientPrograms;
  readonly store: ArchiveStore;
  readonly onBytes: (bytes: number) => void;
}

/** Uncompressed: the repository compresses, and only plain rows are found again in the next dump. */
const archiveArguments = ['--format=custom', '--compress=0', '--no-password', `--lock-wait-timeout=${laterLockWaitMs}`];

/** Streams a custom-format archive into the repository; resolves once pg_dump has said that it is complete. */
export async function storeDump(ctx: Context, run: DumpRun, target: DumpTarget): Promise<StoredArchive> {
  await using program = await openProgram(ctx, {
    program: join(target.programs.binDirectory, 'pg_dump'),
    args: [...archiveArguments, ...(run.utf8 ? ['--encoding=UTF8'] : []), `--snapshot=${run.snapshotId}`, ...run.args],
    env: libpqEnvironment(run.connection, run.database, target.programs.major),
    onStderrLine: (line) => ctx.log.info({ database: run.database, line }, 'pg_dump says'),
  });
  const stored = await target.store.store(program.stdout, target.onBytes);
  await program.exitedCleanly();
  return stored;
}

/** Roles, memberships, tablespaces and settings of the server, as SQL text. */
export async function storeGlobals(
  ctx: Context,
  options: { readonly connection: ConnectionOptions; readonly passwords: boolean },
  target: DumpTarget,
): Promise<StoredArchive> {
  const { connection, passwords } = options;
  await using program = await openProgram(ctx, {
    program: join(target.programs.binDirectory, 'pg_dumpall'),
    args: [
      '--globals-only',
      '--no-password',
      // a value with `=` would be read as a connection string, so it is given as one
      `--database=dbname=${conninfoValue(connection.database ?? connection.user)}`,
      ...(passwords ? [] : ['--no-role-passwords']),
    ],
    env: libpqEnvironment(connection, connection.database, target.programs.major),
    onStderrLine: (line) => ctx.log.info({ line }, 'pg_dumpall says'),
  });
  const stored = await target.store.store(program.stdout, target.onBytes);
  await program.exitedCleanly();
  return stored;
}

function conninfoValue(value: string): string {
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}
