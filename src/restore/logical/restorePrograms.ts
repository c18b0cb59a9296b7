import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { requireClientPrograms, type ClientProgram, type ClientPrograms } from '../../postgres/clientPrograms.ts';

/** From this version on pg_restore begins with `SET transaction_timeout`, which older servers do not know. */
export const transactionTimeoutMajor = 17;

export interface RestoreProgramsOptions {
  readonly programs: readonly [ClientProgram, ...ClientProgram[]];
  /** Of the server that is restored into. */
  readonly serverMajor: number;
  /** Of the pg_dump that wrote the archives: an older pg_restore does not read them. */
  readonly dumpMajor: number;
  /** A pg_dump is among them, which must not be older than the server. */
  readonly forServer: boolean;
  readonly directories: readonly string[];
}

/**
 * Programs that read the archives and suit the server; where none of the server's version are installed, others that
 * read the archives. Throws `program-missing`, and `postgres-unsupported` when there cannot be any.
 */
export async function requireRestorePrograms(ctx: Context, options: RestoreProgramsOptions): Promise<ClientPrograms> {
  const { serverMajor, dumpMajor } = options;
  if (serverMajor < transactionTimeoutMajor && dumpMajor >= transactionTimeoutMajor) {
    throw new OperationError(
      'postgres-unsupported',
      `what pg_dump ${dumpMajor} wrote cannot be restored into PostgreSQL ${serverMajor}`,
      {
        hint:
          `restore into a server of version ${transactionTimeoutMajor} or newer, and let a pg_dump of the server's own ` +
          'version make the next dump (postgresBinaries)',
        detail: { dumpMajor, serverMajor },
      },
    );
  }
  const found = await findPrograms(ctx, options);
  if (serverMajor >= transactionTimeoutMajor || found.major < transactionTimeoutMajor) return found;
  const least = Math.max(serverMajor, dumpMajor);
  throw new OperationError('program-missing', `pg_restore of PostgreSQL ${least} is not installed`, {
    hint: `pg_restore ${found.version} sets transaction_timeout, which the server does not know: install postgresql-client-${least}`,
    detail: { program: 'pg_restore', major: least },
  });
}

async function findPrograms(
  ctx: Context,
  { programs, serverMajor, dumpMajor, forServer, directories }: RestoreProgramsOptions,
): Promise<ClientPrograms> {
  const find = (major: number): Promise<ClientPrograms> => requireClientPrograms(ctx, { major, programs, directories });
  try {
    return await find(Math.max(dumpMajor, serverMajor));
  } catch (error) {
    if (forServer || !isOperationError(error, 'program-missing')) throw error;
    return find(dumpMajor);
  }
}
