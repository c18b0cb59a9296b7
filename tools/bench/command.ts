import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serverUser } from '../../src/testing/serverUser.ts';

export interface Command {
  readonly words: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** Default `/`. */
  readonly directory?: string;
  /** Exit statuses that are no failure; default 0 alone. */
  readonly accepted?: readonly number[];
}

const keptErrorBytes = 4096;
const outputGraceMs = 50;

/** A command that ended with a status it should not have. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/**
 * Runs a command as the user that owns the clusters, in a process group of its own that ends with `signal`.
 * Returns what it printed on standard output. Throws `CommandFailed` with the end of what it printed.
 */
export async function runCommand(signal: AbortSignal, command: Command): Promise<string> {
  signal.throwIfAborted();
  const child = startCommand(command);
  using _ = endWith(signal, child);
  const output: Buffer[] = [];
  let errors = '';
  child.stdout?.on('data', (piece: Buffer) => output.push(piece));
  child.stderr?.on('data', (piece: Buffer) => (errors = (errors + piece.toString()).slice(-keptErrorBytes)));
  const closed = once(child, 'close').catch(() => undefined); // an error shows at exit
  await once(child, 'exit');
  await Promise.race([closed, delay(outputGraceMs)]); // a daemon may hold on to the output for ever
  child.stdout?.destroy();
  child.stderr?.destroy();
  signal.throwIfAborted();
  const printed = Buffer.concat(output).toString();
  const status = child.exitCode ?? -1;
  if ((command.accepted ?? [0]).includes(status)) return printed;
  const reason = (errors.trim() === '' ? printed.slice(-keptErrorBytes) : errors).trim();
  throw new CommandFailed(`${command.words.join(' ')}: ${child.signalCode ?? `status ${status}`}: ${reason}`);
}

/** Starts a command as the user that owns the clusters, in a process group of its own. */
export function startCommand({ words, environment, directory }: Command): ChildProcess {
  const user = serverUser();
  const [program, ...parameters] = words;
  return spawn(program, parameters, {
    cwd: directory ?? '/',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}

/** Kills the process group of a child when `signal` aborts. */
function endWith(signal: AbortSignal, child: ChildProcess): Disposable {
  const end = () => endGroup(child, 'SIGKILL');
  signal.addEventListener('abort', end);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', end) };
}

export function endGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, name);
}
