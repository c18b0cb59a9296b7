import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { processIds } from '../base/processes.ts';
import { identifyProcess } from './process/processIdentity.ts';
import { realPath, workingDirectory } from './process/processTable.ts';

/** A server that runs, as far as can be told from outside. */
export interface RunningServer {
  readonly dataDirectory: string;
  /** Undefined when it is in another process namespace, a container's. */
  readonly pid: number | undefined;
}

/**
 * The server that runs in a data directory; undefined when none does. A postmaster.pid whose process is gone or is
 * another program is stale. Where it cannot be told, a server is assumed. It is found by its process, by
 * postmaster.pid, and by its socket, which also tells of servers in containers that share the directory.
 */
export async function findRunningServer(dataDirectory: string): Promise<RunningServer | undefined> {
  const directory = realPath(dataDirectory);
  if (directory === undefined) return undefined;
  const found = listRunningServers().find((server) => server.dataDirectory === directory);
  if (found !== undefined) return found;
  const lines = postmasterFile(directory);
  const pid = Number(lines[0]);
  if (Number.isInteger(pid) && pid > 1 && mayBeServerOf(pid, directory)) return { dataDirectory: directory, pid };
  const [, , , port, socketDirectory] = lines;
  if (port === undefined || socketDirectory === undefined || socketDirectory === '') return undefined;
  const socket = join(socketDirectory, `.s.PGSQL.${port}`);
  const inUse = lockNames(socket, directory) && (await accepts(socket));
  return inUse ? { dataDirectory: directory, pid: undefined } : undefined;
}

/** The servers of this machine whose working directory we may see: for root, all of them. */
export function listRunningServers(): RunningServer[] {
  const servers: RunningServer[] = [];
  for (const pid of processIds()) {
    const dataDirectory = workingDirectory(pid);
    if (dataDirectory === undefined || identifyProcess(pid)?.program !== 'postgres') continue;
    if (postmasterFile(dataDirectory)[0] !== String(pid)) continue; // a child, or a directory that is gone
    servers.push({ dataDirectory, pid });
  }
  return servers;
}

/** Where the tablespaces of a data directory lie, links resolved. */
export function tablespaceDirectories(dataDirectory: string): string[] {
  const links = join(dataDirectory, 'pg_tblspc');
  try {
    return readdirSync(links).flatMap((name) => realPath(join(links, name)) ?? []);
  } catch {
    return []; // it is not ours to look into
  }
}

/** True unless the process is certainly gone, another program, or a server on another directory. */
function mayBeServerOf(pid: number, directory: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
  }
  const identity = identifyProcess(pid);
  if (identity === undefined || identity.program !== 'postgres') return false;
  const seen = workingDirectory(pid);
  return seen === undefined || seen === directory;
}

function postmasterFile(dataDirectory: string): string[] {
  try {
    return readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** A socket's lock file names the data directory of its server in the second line. */
function lockNames(socket: string, directory: string): boolean {
  try {
    return realPath(readFileSync(`${socket}.lock`, 'utf8').split('\n')[1] ?? '') === directory;
  } catch {
    return false;
  }
}

async function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
