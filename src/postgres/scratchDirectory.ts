import { once } from 'node:events';
import { existsSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, sep } from 'node:path';
import type { Context } from '../base/context.ts';
import { killByEnvironment } from '../base/processes.ts';
import { OperationError, assert, errorMessage, systemErrorCode } from '../base/errors.ts';
import { killServerFamily } from './process/serverFamily.ts';
import { recordedServer } from './process/serverRecord.ts';
import { assertSocketPath } from './process/socketPath.ts';
import { signalGroup } from './process/terminateGroup.ts';

/** A directory for servers that must not survive us; removed on dispose, or by `removeOrphans` after a crash. */
export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string;
}

/** A directory that a dead process left behind. */
export interface Orphan {
  readonly path: string;
  /** Servers and marked processes that still worked in it and were ended. */
  readonly endedPids: readonly number[];
}

const prefix = 'understudy-scratch-';
const claimPrefix = '.understudy-claim-';
/**
 * A Unix socket on which the owner listens. The kernel closes it whenever and however the owner ends, and unlike a
 * process id it is never somebody else's, not even across containers that share the directory.
 */
const ownerSocket = 'owner';
const abandonedClaimMs = 60_000;

const mark = 'UNDERSTUDY_SCRATCH';

/** Variable for a command that works with what is in a scratch directory: it is ended when that becomes an orphan. */
export function scratchMark(path: string): Record<string, string> {
  return { [mark]: path };
}

/** Ends the processes with this mark, also those that have left their parent; their ids. */
export function endMarked(path: string): number[] {
  return killByEnvironment((environment) => environment.includes(`${mark}=${path}`));
}

/**
 * Creates an empty directory in `parent` that others may pass but not read (mode 711). Throws `file-denied`,
 * `file-missing` or `file-io` when it cannot, `usage` when the path is too long for the sockets inside.
 */
export async function createScratchDirectory(parent: string): Promise<ScratchDirectory> {
  assertSocketPath(join(parent, `${prefix}XXXXXX`, ownerSocket));
  try {
    const claim = await mkdtemp(join(parent, claimPrefix));
    await chmod(claim, 0o711);
    const owner = await listen(join(claim, ownerSocket));
    // the rename publishes it with its owner alive, so that it can never look like an orphan
    const path = join(parent, prefix + claim.slice(-6));
    await rename(claim, path);
    return {
      path,
      [Symbol.asyncDispose]: async () => {
        try {
          await removeTree(path);
        } catch (error) {
          throw scratchError(`removing the scratch directory ${path}`, error);
        } finally {
          owner.close();
        }
      },
    };
  } catch (error) {
    throw scratchError(`creating a scratch directory in ${parent}`, error);
  }
}

/** Gives a scratch directory a name under which it stays, and returns that. What ran in it must have ended. */
export function keepScratchDirectory(path: string): string {
  const kept = path.replace(prefix, 'understudy-kept-');
  renameSync(path, kept);
  rmSync(join(kept, ownerSocket), { force: true });
  return kept;
}

/**
 * Removes the scratch directories in `parent` whose owner is gone, after ending what still works in them. Directories
 * of living processes and of other users stay; so does, with a warning, what cannot be removed.
 */
export async function removeOrphans(ctx: Context, parent: string): Promise<readonly Orphan[]> {
  if (!existsSync(parent)) return [];
  const orphans: Orphan[] = [];
  for (const name of await readdir(parent)) {
    ctx.signal.throwIfAborted();
    const path = join(parent, name);
    if (!isOwn(path)) continue;
    if (name.startsWith(claimPrefix)) await removeAbandonedClaim(ctx, path);
    if (!name.startsWith(prefix) || !(await isOrphan(join(path, ownerSocket)))) continue;
    const orphan = await removeOrphan(ctx, path);
    if (orphan !== undefined) orphans.push(orphan);
  }
  return orphans;
}

/** In a directory for everybody anyone could name processes to root that it shall end, or lead it away by a link. */
function isOwn(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.geteuid?.();
}

async function removeOrphan(ctx: Context, path: string): Promise<Orphan | undefined> {
  try {
    const endedPids = [...(await endServers(ctx, path)), ...endMarked(path)];
    await removeTree(path);
    ctx.log.warn({ path, endedPids }, 'removed what a dead process had left behind');
    return { path, endedPids };
  } catch (error) {
    // its owner, or another process like us, was faster; or it holds what is another user's
    if (systemErrorCode(error) === undefined) throw error;
    if (systemErrorCode(error) !== 'ENOENT') ctx.log.warn({ path, err: error }, 'an orphan could not be removed');
    return undefined;
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  server.unref();
  return server;
}

async function isOrphan(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    // anything but "nobody listens" may be a living owner of another user
    return systemErrorCode(error) === 'ECONNREFUSED' || systemErrorCode(error) === 'ENOENT';
  } finally {
    socket.destroy();
  }
}

async function endServers(ctx: Context, path: string): Promise<number[]> {
  const ended: number[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const server = entry.isDirectory() ? recordedServer(join(path, entry.name)) : undefined;
    if (server === undefined) continue;
    // a directory elsewhere may have another server by now; nobody but the dead owner's runs inside its own
    if (!server.running && !server.dataDirectory.startsWith(path + sep)) continue;
    if (server.running) {
      signalGroup(server.pid, 'SIGKILL');
      ended.push(server.pid);
    }
    await killServerFamily(ctx.clock, server.dataDirectory);
  }
  return ended;
}

/** What a process left that died between making the directory and naming it. */
async function removeAbandonedClaim(ctx: Context, path: string): Promise<void> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  if (ctx.clock.now().getTime() - mtimeMs > abandonedClaimMs) await removeTree(path);
}

async function removeTree(path: string): Promise<void> {
  assert(path.includes(prefix) || path.includes(claimPrefix), 'only scratch directories are removed');
  // a server's last child may still write for a moment
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
  try {
    await rm(path, options);
  } catch (error) {
    if (systemErrorCode(error) !== 'EACCES') throw error;
    await openDirectories(Buffer.from(path));
    await rm(path, options);
  }
}

/** What was restored may hold directories that not even their owner may write to. */
async function openDirectories(path: Buffer): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await openDirectories(Buffer.concat([path, Buffer.from(sep), entry.name]));
  }
}

function scratchError(attempt: string, error: unknown): OperationError {
  const codes = { EACCES: 'file-denied', EPERM: 'file-denied', ENOENT: 'file-missing' } as const;
  const code = codes[systemErrorCode(error) as keyof typeof codes] ?? 'file-io';
  return new OperationError(code, `${attempt}: ${errorMessage(error)}`, { cause: error });
}
