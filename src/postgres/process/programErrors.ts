import { basename } from 'node:path';
import { OperationError, errorMessage, systemErrorCode } from '../../base/errors.ts';

/** How a program ended: a status, or the signal that ended it. */
export interface ProgramExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of standard error. */
  readonly stderr: readonly string[];
}

/** Debian's package for a program; `<major>` stands for the server's major version. */
const debianPackages: Readonly<Record<string, string>> = {
  postgres: 'postgresql-<major>',
  initdb: 'postgresql-<major>',
  pg_ctl: 'postgresql-<major>',
  pg_controldata: 'postgresql-<major>',
  pg_verifybackup: 'postgresql-<major>',
  pg_amcheck: 'postgresql-client-<major>',
  pg_dump: 'postgresql-client-<major>',
  pg_dumpall: 'postgresql-client-<major>',
  pg_restore: 'postgresql-client-<major>',
  psql: 'postgresql-client-<major>',
  pg_config: 'libpq-dev',
};

export interface MissingOptions {
  /** The server version that needs the program. */
  readonly major?: number;
  /** Default: the package to install. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** `program-missing` with the package to install. */
export function programMissing(program: string, options: MissingOptions = {}): OperationError {
  const { major } = options;
  const name = basename(program);
  const version = major === undefined ? '' : ` of PostgreSQL ${major}`;
  return new OperationError('program-missing', `${name}${version} is not installed`, {
    hint: options.hint ?? installHint(name, major),
    detail: { program, ...(major === undefined ? {} : { major }) },
    cause: options.cause,
  });
}

function installHint(name: string, major: number | undefined): string {
  const debianPackage = debianPackages[name]?.replace('<major>', String(major ?? '<version>'));
  if (debianPackage === undefined) return `install ${name}, or put its directory on PATH`;
  return `on Debian: apt-get install ${debianPackage} (from apt.postgresql.org when the release lacks this version)`;
}

/** `program-failed` with the line that says why in the message and the last lines in the detail. */
export function programFailed(program: string, exit: ProgramExit): OperationError {
  const ending = exit.signal === null ? `failed with exit status ${exit.status}` : `was ended by ${exit.signal}`;
  const reason = tellingLine(exit.stderr);
  return new OperationError(
    'program-failed',
    `${basename(program)} ${ending}${reason === undefined ? '' : `: ${reason}`}`,
    {
      detail: { program, exitStatus: exit.status, signal: exit.signal, stderr: exit.stderr },
    },
  );
}

/** Why a program could not even be started. */
export function spawnFailed(program: string, user: string | undefined, error: unknown): OperationError {
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return programMissing(program, { cause: error });
  if (code === 'EACCES') {
    const who = user === undefined ? 'this user' : `user ${user}`;
    return new OperationError('program-missing', `${program} may not be executed by ${who}`, {
      hint: 'do its file and every directory above it give execute permission to that user?',
      detail: { program, user },
      cause: error,
    });
  }
  if (user !== undefined && (code === 'EPERM' || code === 'EINVAL')) {
    return new OperationError('program-failed', `cannot run ${basename(program)} as user ${user}`, {
      hint: 'only root may change the user; in a container, is this user id mapped?',
      detail: { program, user },
      cause: error,
    });
  }
  return new OperationError('program-failed', `cannot start ${program}: ${errorMessage(error)}`, {
    detail: { program },
    cause: error,
  });
}

/** The last line that names an error, else the last line, at most 300 characters. */
function tellingLine(lines: readonly string[]): string | undefined {
  const filled = lines.filter((line) => line.trim() !== '');
  const line = filled.findLast((text) => /\b(?:fatal|panic|error)\b/i.test(text)) ?? filled.at(-1);
  return line?.trim().slice(0, 300);
}
