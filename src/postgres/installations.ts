import { access, constants, cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { availableExtensions } from './process/availableExtensions.ts';
import { candidateDirectories, type Candidate, type InstallationOrigin } from './process/candidateDirectories.ts';
import { restorePackagedLinks } from './process/packagedLinks.ts';
import { programMissing } from './process/programErrors.ts';
import { runProgram, type OsUser } from './runProgram.ts';

const knownPrograms = [
  'postgres',
  'initdb',
  'pg_ctl',
  'pg_controldata',
  'pg_verifybackup',
  'pg_amcheck',
  'pg_dump',
  'pg_dumpall',
  'pg_restore',
  'psql',
] as const;
export type PostgresProgram = (typeof knownPrograms)[number];

/** The programs of one PostgreSQL version on this machine. */
export interface Installation {
  /** 15 for 15.18. */
  readonly major: number;
  /** `15.18`, `19beta1`: as `postgres --version` says. */
  readonly version: string;
  readonly binDirectory: string;
  readonly origin: InstallationOrigin;
  readonly programs: ReadonlySet<PostgresProgram>;
  /** Names of the extensions that can be created (control files present). */
  readonly extensions: ReadonlySet<string>;
}

export interface FindOptions {
  /** Directories of server programs that were configured; they come first. */
  readonly directories?: readonly string[];
  /** Where the search for packages in `node_modules` begins and goes up from. Default: this package. */
  readonly packageRoot?: string;
}

/**
 * Finds the server programs on this machine, best first within a major: configured, system packages, PATH, npm
 * packages. Throws for a configured directory that holds no working `postgres`; other broken candidates are logged and
 * left out.
 */
export async function findInstallations(ctx: Context, options: FindOptions = {}): Promise<readonly Installation[]> {
  return (await survey(ctx, options)).working;
}

/**
 * The best installation of a major that has all the programs (default: `postgres` alone).
 * Throws `program-missing`, naming the program that no installation of that major has.
 */
export async function requireInstallation(
  ctx: Context,
  major: number,
  options: FindOptions & { readonly programs?: readonly PostgresProgram[] } = {},
): Promise<Installation> {
  const { working, broken } = await survey(ctx, options);
  const ofMajor = working.filter((installation) => installation.major === major);
  const programs = options.programs ?? ['postgres'];
  const complete = ofMajor.find((installation) => programs.every((program) => installation.programs.has(program)));
  if (complete !== undefined) return complete;
  const lacking = programs.find((program) => !ofMajor.some((installation) => installation.programs.has(program)));
  const [unusable] = broken;
  throw programMissing(lacking ?? 'postgres', {
    major,
    ...(unusable === undefined ? {} : { hint: `found but not usable: ${unusable.message}`, cause: unusable }),
  });
}

/**
 * An installation that another user can execute: itself, or, when it lies in a closed directory such as root's home,
 * a copy below `directory`, which the caller removes. Only npm packages can be copied: they are self-contained.
 */
export async function reachableInstallation(
  ctx: Context,
  installation: Installation,
  options: { readonly user: OsUser | undefined; readonly directory: string },
): Promise<Installation> {
  const { user, directory } = options;
  const asUser = (binDirectory: string) =>
    runProgram(ctx, { program: join(binDirectory, 'postgres'), args: ['--version'], user });
  try {
    await asUser(installation.binDirectory);
    return installation;
  } catch (error) {
    if (installation.origin !== 'npm' || !isOperationError(error, 'program-missing')) throw error;
  }
  const copy = join(directory, `postgresql-${installation.major}`);
  await cp(join(installation.binDirectory, '..'), copy, { recursive: true, verbatimSymlinks: true });
  await asUser(join(copy, 'bin'));
  return { ...installation, binDirectory: join(copy, 'bin') };
}

/** Absolute path of a program of an installation; throws `program-missing` with the package to install. */
export function programPath(installation: Installation, program: PostgresProgram): string {
  if (!installation.programs.has(program)) throw programMissing(program, { major: installation.major });
  return join(installation.binDirectory, program);
}

async function survey(
  ctx: Context,
  options: FindOptions,
): Promise<{ readonly working: readonly Installation[]; readonly broken: readonly OperationError[] }> {
  const working: Installation[] = [];
  const broken: OperationError[] = [];
  for (const candidate of await candidateDirectories(ctx, options)) {
    try {
      working.push(await inspect(ctx, candidate));
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (candidate.origin === 'configured' || !isOperationError(error)) throw error;
      ctx.log.warn(
        { directory: candidate.binDirectory, error },
        'ignoring a PostgreSQL installation that does not work',
      );
      broken.push(error);
    }
  }
  return { working, broken };
}

async function inspect(ctx: Context, { binDirectory, origin }: Candidate): Promise<Installation> {
  const programs = await presentPrograms(binDirectory);
  const postgres = join(binDirectory, 'postgres');
  if (!programs.has('postgres')) {
    throw new OperationError('program-missing', `${binDirectory} holds no postgres`, {
      hint: 'name the directory with the server programs, such as /usr/lib/postgresql/17/bin',
      detail: { binDirectory },
    });
  }
  if (origin === 'npm') await restorePackagedLinks(join(binDirectory, '..'));
  const { stdout } = await runProgram(ctx, { program: postgres, args: ['--version'] });
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (version === undefined) {
    throw new OperationError('program-failed', `${postgres} is not PostgreSQL: it says ${stdout.trim().slice(0, 80)}`);
  }
  const major = Number.parseInt(version, 10);
  const extensions = await availableExtensions(ctx, binDirectory, major);
  return { major, version, binDirectory, origin, programs, extensions };
}

async function presentPrograms(binDirectory: string): Promise<Set<PostgresProgram>> {
  const present = new Set<PostgresProgram>();
  for (const program of knownPrograms) {
    try {
      await access(join(binDirectory, program), constants.X_OK);
      present.add(program);
    } catch {
      // not there, or not for us: both mean that it cannot be used
    }
  }
  return present;
}
