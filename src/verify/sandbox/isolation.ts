import { mkdirSync, readdirSync, realpathSync, chownSync, lstatSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { runProgram, type OsUser } from '../../postgres/runProgram.ts';

/** What a sandboxed server sees of the machine. */
export interface Isolation {
  /** The file system is hidden, but for programs, libraries and the sandbox itself. */
  readonly mounts: boolean;
  readonly network: boolean;
  /** For `startServer`. */
  readonly launcher: readonly string[] | undefined;
  /** Why there is none. */
  readonly reason: string | undefined;
  /** Where a path that the server sees lies for us. */
  outside(path: string): string;
  /**
   * Makes a directory that replayed WAL will write to, for the server alone to see. Throws `verification-inconclusive`
   * when the server would see the machine's own.
   */
  provide(location: string): void;
}

export interface IsolationOptions {
  /** The sandbox: the only thing that the server may write to. */
  readonly directory: string;
  readonly user: OsUser | undefined;
  readonly binDirectory: string;
}

/** What a server needs of a machine; every other directory at the top of the file system is hidden. */
const visible = new Set('bin dev etc gnu lib lib32 lib64 libx32 nix proc sbin sys usr'.split(' '));

/**
 * `$1` is the directory with the stand-ins, then come pairs of a directory and its place below the stand-ins that are
 * to be seen in spite of all, then after `--` the names to hide, then after `--` the command.
 */
const mountScript = `
set -e
hidden=$1; shift
while [ "$1" != -- ]; do mount --rbind "$1" "$2"; shift 2; done; shift
while [ "$1" != -- ]; do mount --rbind "$hidden/$1" "/$1"; shift; done; shift
ip link set lo up 2>/dev/null || true
exec "$@"
`;

/**
 * Prepares mount and network isolation: PostgreSQL replays CREATE TABLESPACE at the absolute path of the original,
 * which on the host of the original is the live one. Works for root, and for others where the kernel lets them make
 * user name spaces.
 */
export async function isolate(ctx: Context, options: IsolationOptions): Promise<Isolation> {
  const stage = new Stage(options);
  const launcher = stage.launcher();
  try {
    const [program, ...args] = [...launcher, join(options.binDirectory, 'postgres'), '--version'];
    await runProgram(ctx, { program, args, cwd: '/' });
  } catch (error) {
    if (!isOperationError(error, 'program-failed', 'program-missing')) throw error;
    ctx.log.warn({ err: error }, 'the sandbox shares the file system of this machine');
    return shared(error.message);
  }
  return {
    mounts: true,
    network: true,
    launcher,
    reason: undefined,
    outside: (path) => stage.outside(path),
    provide: (location) => stage.provide(location),
  };
}

function shared(reason: string): Isolation {
  return {
    mounts: false,
    network: false,
    launcher: undefined,
    reason,
    outside: (path) => path,
    provide: (location) => {
      throw cannotHide(location, reason);
    },
  };
}

class Stage {
  readonly #directory: string;
  readonly #hidden: string;
  readonly #user: OsUser | undefined;
  readonly #names: readonly string[];
  readonly #shown: readonly string[];

  constructor({ directory, user, binDirectory }: IsolationOptions) {
    this.#directory = realpathSync(directory);
    this.#hidden = join(this.#directory, 'hidden');
    this.#user = user;
    this.#names = readdirSync('/', { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !visible.has(entry.name))
      .map(({ name }) => name);
    // programs look for their libraries beside the real path; the sandbox is last, so that it holds the other mounts
    // too
    const programs = [dirname(binDirectory), dirname(realpathSync(binDirectory))];
    this.#shown = [...new Set([...programs, this.#directory])].filter((path) => this.#isHidden(path));
    for (const name of this.#names) this.#make(join('/', name));
    for (const path of this.#shown) this.#make(path);
  }

  launcher(): string[] {
    const shown = this.#shown.flatMap((path) => [path, join(this.#hidden, path)]);
    const script = ['/bin/sh', '-c', mountScript, 'sh', this.#hidden, ...shown, '--', ...this.#names, '--'];
    const space = ['unshare', '--mount', '--net', '--propagation', 'private'];
    if (this.#user !== undefined) return [...space, ...script, ...becomeUser(this.#user)];
    return [...space, '--user', '--map-root-user', ...script, ...becomeOurselves()];
  }

  /** Symbolic links on the way are those of the machine: the server does not see through hidden ones. */
  outside(path: string): string {
    return this.#isHidden(path) && !this.#isShown(path) ? join(this.#hidden, path) : path;
  }

  provide(location: string): void {
    if (!this.#isHidden(location)) throw cannotHide(location, 'it lies in a directory that PostgreSQL itself needs');
    if (!this.#isShown(location)) this.#make(location);
  }

  #make(path: string): void {
    let made = this.#hidden;
    mkdirSync(made, { recursive: true });
    for (const part of path.split(sep).filter((name) => name !== '' && name !== '.' && name !== '..')) {
      made = join(made, part);
      if (lstatSync(made, { throwIfNoEntry: false }) !== undefined) continue;
      mkdirSync(made, { mode: 0o755 });
      if (this.#user !== undefined) chownSync(made, this.#user.uid, this.#user.gid);
    }
  }

  #isHidden(path: string): boolean {
    return this.#names.includes(path.split(sep)[1] ?? '');
  }

  #isShown(path: string): boolean {
    return this.#shown.some((shown) => path === shown || path.startsWith(shown + sep));
  }
}

function becomeUser({ uid, gid }: OsUser): string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--'];
}

/** Back from the name space's root, which PostgreSQL refuses, to who we are. */
function becomeOurselves(): string[] {
  return ['unshare', '--user', `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`, '--'];
}

function cannotHide(location: string, reason: string): OperationError {
  return new OperationError(
    'verification-inconclusive',
    `replay creates a tablespace in ${location}, which cannot be kept apart from this machine's: ${reason}`,
    {
      hint: 'verify as root, or where users may create name spaces (sysctl kernel.unprivileged_userns_clone=1)',
      detail: { location },
    },
  );
}
