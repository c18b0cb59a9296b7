import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { OperationError, assert } from '../../base/errors.ts';
import type { ProgramOptions } from '../runProgram.ts';
import { childEnvironment } from './environment.ts';
import { LineTail } from './lineTail.ts';
import { spawnFailed, type ProgramExit } from './programErrors.ts';

/** A child that exists: its pipes, and promises for its end. It leads its own process group. */
export interface SpawnedProgram {
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<Omit<ProgramExit, 'stderr'>>;
  readonly hasExited: () => boolean;
  readonly stderrEnded: Promise<void>;
  readonly stderrTail: () => readonly string[];
}

/** Starts the child and resolves once the system has accepted it; throws `program-missing` or `program-failed`. */
export async function spawnProgram(options: ProgramOptions): Promise<SpawnedProgram> {
  const { user } = options;
  const cwd = options.cwd ?? (user === undefined ? undefined : '/');
  assertDirectory(options.program, cwd);
  let child: ChildProcess;
  try {
    child = spawn(options.program, options.args, {
      cwd,
      env: childEnvironment(options.env ?? {}, user?.name),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    if (child.pid === undefined) await once(child, 'spawn');
  } catch (error) {
    throw spawnFailed(options.program, user?.name, error);
  }
  return watchChild(child, options.onStderrLine);
}

function watchChild(child: ChildProcess, onStderrLine?: (line: string) => void): SpawnedProgram {
  const { pid, stdin, stdout, stderr } = child;
  assert(pid !== undefined && stdout !== null && stderr !== null, 'a spawned child has a pid and pipes');
  const tail = new LineTail(onStderrLine);
  stderr.setEncoding('utf8');
  stderr.on('data', (text: string) => tail.write(text));
  const stderrEnded = new Promise<void>((resolve) => {
    stderr.once('close', () => {
      tail.end();
      resolve();
    });
  });
  const exited = new Promise<Omit<ProgramExit, 'stderr'>>((resolve) => {
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  return {
    pid,
    stdin,
    stdout,
    stderr,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    stderrEnded,
    stderrTail: () => tail.lines(),
  };
}

/** Without this a missing working directory looks like a missing program (both are ENOENT). */
function assertDirectory(program: string, cwd: string | undefined): void {
  if (cwd === undefined || statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new OperationError('file-missing', `the directory to run ${program} in does not exist: ${cwd}`, {
    detail: { program, cwd },
  });
}
