import { accessSync, constants, statSync, type Dirent } from 'node:fs';
import { chown, lchown, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError, errorMessage, isOperationError, systemErrorCode } from '../base/errors.ts';
import { runProgram, type OsUser } from './runProgram.ts';

export interface RuntimeUserOptions {
  /** Name from the configuration; the user must exist. */
  readonly configured?: string;
  /** Its owner is the natural user of a server on it. It need not exist yet. */
  readonly dataDirectory?: string;
}

/** Tried in this order when nothing says whom to take. */
const customaryUsers = ['postgres', 'nobody'] as const;

/**
 * The user that PostgreSQL programs must run as: undefined when we are unprivileged already and stay who we are; for
 * root, which PostgreSQL refuses, the configured user, else the owner of the data directory, else `postgres`, else
 * `nobody`. Throws `usage` for a configured user that does not exist, is root, or is another while we are not root.
 */
export async function chooseRuntimeUser(ctx: Context, options: RuntimeUserOptions = {}): Promise<OsUser | undefined> {
  const { configured, dataDirectory } = options;
  const own = process.getuid?.();
  if (configured !== undefined) {
    const user = await configuredUser(ctx, configured);
    if (user.uid === own) return undefined;
    if (own === 0) return user;
    throw new OperationError('usage', `cannot run PostgreSQL as ${configured}: we are not root`, {
      hint: `start this program as ${configured} or as root, or leave the user out of the configuration`,
      detail: { configured },
    });
  }
  if (own !== 0) return undefined;
  const owner = dataDirectory === undefined ? undefined : statSync(dataDirectory, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return ownerUser(ctx, owner);
  for (const name of customaryUsers) {
    const user = await lookUpUser(ctx, name);
    if (user !== undefined) return user;
  }
  throw new OperationError('usage', 'PostgreSQL does not run as root and there is no other user to run it as', {
    hint: 'create one (useradd --system postgres), or name one in the configuration',
  });
}

/** Creates a directory (mode 700) that belongs to the user; undefined = to us. */
export async function makeDirectoryFor(user: OsUser | undefined, path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

/** Gives a directory and everything in it to the user, links themselves and not what they point to. */
export async function chownTree(ctx: Context, path: string, user: OsUser): Promise<void> {
  ctx.signal.throwIfAborted();
  await lchown(path, user.uid, user.gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    await chownEntry(ctx, join(path, entry.name), { entry, user });
  }
}

/**
 * Throws `file-denied` naming the first directory on the way to `path` that the user may not enter.
 * We are root here and would never notice; the server would fail later with less clear words.
 */
export async function assertReachable(ctx: Context, path: string, user: OsUser | undefined): Promise<void> {
  for (const directory of [...parents(resolve(path)).toReversed(), resolve(path)]) {
    if (await mayEnter(ctx, directory, user)) continue;
    throw new OperationError('file-denied', `${directory} may not be entered by ${user?.name ?? 'this user'}`, {
      hint: `choose a directory that PostgreSQL's user can reach, or allow it: chmod a+x ${directory}`,
      detail: { directory, user: user?.name },
    });
  }
}

async function configuredUser(ctx: Context, name: string): Promise<OsUser> {
  const user = await lookUpUser(ctx, name);
  if (user === undefined) {
    throw new OperationError('usage', `there is no user ${name} on this machine`, {
      hint: 'is the name of the user that runs PostgreSQL right?',
      detail: { name },
    });
  }
  if (user.uid !== 0) return user;
  throw new OperationError('usage', 'PostgreSQL does not run as root', {
    hint: 'configure the user that owns the data directory, usually postgres',
    detail: { name },
  });
}

async function lookUpUser(ctx: Context, name: string): Promise<OsUser | undefined> {
  try {
    const uid = await idOf(ctx, '-u', name);
    return { name, uid, gid: await idOf(ctx, '-g', name) };
  } catch (error) {
    if (isOperationError(error, 'program-failed')) return undefined; // id's way to say "no such user"
    throw error;
  }
}

/** The owner may have no name (a container's volume): the numbers are enough to run as it. */
async function ownerUser(ctx: Context, owner: { readonly uid: number; readonly gid: number }): Promise<OsUser> {
  const { uid } = owner;
  try {
    const { stdout } = await runProgram(ctx, { program: 'id', args: ['-un', String(uid)] });
    // the group of the directory may be one that its owner is not in
    return { name: stdout.trim(), uid, gid: await idOf(ctx, '-g', stdout.trim()) };
  } catch (error) {
    if (isOperationError(error, 'program-failed')) return { name: `#${uid}`, uid, gid: owner.gid };
    throw error;
  }
}

async function idOf(ctx: Context, flag: '-u' | '-g', name: string): Promise<number> {
  return Number((await runProgram(ctx, { program: 'id', args: [flag, '--', name] })).stdout);
}

async function chownEntry(
  ctx: Context,
  path: string,
  { entry, user }: { readonly entry: Dirent; readonly user: OsUser },
): Promise<void> {
  if (entry.isDirectory()) await chownTree(ctx, path, user);
  else await lchown(path, user.uid, user.gid);
}

async function mayEnter(ctx: Context, directory: string, user: OsUser | undefined): Promise<boolean> {
  if (user === undefined) return canEnterOurselves(directory);
  try {
    await runProgram(ctx, { program: 'test', args: ['-x', directory], user });
    return true;
  } catch (error) {
    if (isOperationError(error, 'program-failed') && error.detail['exitStatus'] === 1) return false;
    throw error;
  }
}

function canEnterOurselves(directory: string): boolean {
  try {
    accessSync(directory, constants.X_OK);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EACCES') return false;
    throw new OperationError('file-missing', `cannot look at ${directory}: ${errorMessage(error)}`, { cause: error });
  }
}

function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...parents(parent)];
}
