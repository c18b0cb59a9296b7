import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { assert } from '../../base/errors.ts';
import type { OsUser } from '../runProgram.ts';
import { childEnvironment } from './environment.ts';
import { spawnFailed } from './programErrors.ts';
import { killServerFamily } from './serverFamily.ts';
import { signalGroup } from './terminateGroup.ts';

/**
 * Becomes the server, with a watchdog beside it that reads a pipe whose other end is ours. When we end, however that
 * happens, the read fails and the server gets SIGQUIT, an immediate shutdown; a line on the pipe sends the watchdog
 * home. Node cannot ask the kernel for this (PR_SET_PDEATHSIG), and setpriv, which can, exists on Linux only. The
 * server must not be the background command: the shell starts those with SIGQUIT ignored.
 */
const watchdogScript = `
exec 3<&0 0</dev/null
( read -r _ <&3 || kill -QUIT $$ ) &
exec "$@" 3<&-
`;

export interface WatchedCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly user: OsUser | undefined;
  /** See `ServerOptions`. */
  readonly launcher?: readonly string[] | undefined;
  /** Gets standard output and standard error. */
  readonly logFile: string;
  /** The server's working directory, by which its remains are found. */
  readonly dataDirectory: string;
}

/** A server that cannot outlive this process. */
export interface WatchedServer {
  readonly pid: number;
  /** Its exit status; 128 + the signal's number when a signal ended it. */
  readonly exited: Promise<number>;
  readonly exitStatus: () => number | undefined;
  /** SIGKILL to the server and its watchdog; `exited` waits for the children's end too. */
  readonly kill: () => void;
}

/** Starts a server with its watchdog, in a process group of its own (Ctrl-C in the terminal does not reach it). */
export async function startWatched(clock: Clock, command: WatchedCommand): Promise<WatchedServer> {
  const { program, args, user, logFile, launcher } = command;
  const [first, ...words] = [...(launcher ?? []), '/bin/sh', '-c', watchdogScript, 'sh', program, ...args];
  const dropped = launcher === undefined && user !== undefined ? { uid: user.uid, gid: user.gid } : {};
  const log = openSync(logFile, 'a', 0o640);
  let child: ChildProcess;
  try {
    child = spawn(first!, words, {
      cwd: '/',
      env: childEnvironment({}, user?.name),
      stdio: ['pipe', log, log],
      detached: true,
      ...dropped,
    });
    if (child.pid === undefined) await once(child, 'spawn');
  } catch (error) {
    throw spawnFailed(first!, user?.name, error);
  } finally {
    closeSync(log);
  }
  return watched(clock, child, command.dataDirectory);
}

function watched(clock: Clock, child: ChildProcess, dataDirectory: string): WatchedServer {
  const { pid, stdin } = child;
  assert(pid !== undefined && stdin !== null, 'a spawned child has a pid and a pipe');
  stdin.on('error', () => undefined); // the watchdog may be gone already
  let status: number | undefined;
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      stdin.end('\n');
      status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      // a postmaster that ends by itself has waited for its children, one that is killed has not
      const remains = signal === null ? Promise.resolve() : killServerFamily(clock, dataDirectory);
      resolve(remains.then(() => status ?? 0));
    });
  });
  return { pid, exited, exitStatus: () => status, kill: () => signalGroup(pid, 'SIGKILL') };
}
