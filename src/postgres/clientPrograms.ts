import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { candidateDirectories } from './process/candidateDirectories.ts';
import { programMissing } from './process/programErrors.ts';
import { runProgram } from './runProgram.ts';

/** Programs that talk to a server, and of which a newer one talks to older servers too. */
export type ClientProgram = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

/** A directory with client programs of one version. The server's programs need not be there. */
export interface ClientPrograms {
  readonly major: number;
  /** `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
  readonly binDirectory: string;
}

export interface ClientProgramOptions {
  /** The oldest that will do: pg_dump refuses servers newer than itself. */
  readonly major: number;
  /** All must be in the same directory. */
  readonly programs: readonly [ClientProgram, ...ClientProgram[]];
  /** Directories that were configured; they come first. */
  readonly directories?: readonly string[];
}

/**
 * The client programs for a server of a major: of the same one, else of the nearest newer. Throws `program-missing`,
 * naming what to install and what was found instead.
 */
export async function requireClientPrograms(ctx: Context, options: ClientProgramOptions): Promise<ClientPrograms> {
  const { major, programs, directories = [] } = options;
  const [program] = programs;
  const found: ClientPrograms[] = [];
  for (const { binDirectory } of await candidateDirectories(ctx, { directories, program })) {
    if (!programs.every((name) => existsSync(join(binDirectory, name)))) continue;
    const version = await versionOf(ctx, join(binDirectory, program));
    if (version !== undefined) found.push({ binDirectory, version, major: Number.parseInt(version, 10) });
  }
  const [best] = found.filter((one) => one.major >= major).toSorted((a, b) => a.major - b.major);
  if (best !== undefined) return best;
  const missing = programMissing(program, { major });
  if (found.length === 0) throw missing;
  const older = found.map(({ version, binDirectory }) => `${version} in ${binDirectory}`).join(', ');
  throw programMissing(program, { major, hint: `found only older ones: ${older}; ${missing.hint}` });
}

/** What a program calls its version; undefined when it does not run: a broken installation is passed over. */
async function versionOf(ctx: Context, program: string): Promise<string | undefined> {
  try {
    const { stdout } = await runProgram(ctx, { program, args: ['--version'] });
    return /\(PostgreSQL\) (.+)/.exec(stdout)?.[1]?.trim();
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error)) throw error;
    ctx.log.warn({ program, error }, 'ignoring a PostgreSQL program that does not work');
    return undefined;
  }
}
