import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from '../base/context.ts';
import { OperationError, errorMessage, systemErrorCode } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { spawnProgram, type SpawnedProgram } from './process/spawnProgram.ts';
import { programFailed, type ProgramExit } from './process/programErrors.ts';
import { terminateGroup } from './process/terminateGroup.ts';

/** The operating-system user that a program runs as. */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface ProgramOptions {
  /** Absolute path, or a name that is looked up on PATH. */
  readonly program: string;
  /** Every user of the machine can read these, so never a secret; there is no shell. */
  readonly args: readonly string[];
  /** Drop to this user (only root can); undefined stays who we are. */
  readonly user?: OsUser | undefined;
  /** Default: `/` when the user is dropped (ours may be closed to it), else the current directory. */
  readonly cwd?: string;
  /** Added to the few variables that are passed on (process/environment.ts). */
  readonly env?: Readonly<Record<string, string | Secret>>;
  /** What the program reads from its standard input; default nothing. */
  readonly input?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly onStderrLine?: (line: string) => void;
  /** Time between SIGTERM and SIGKILL when it is stopped. Default 5000. */
  readonly graceMs?: number;
}

/** A program that runs. Leaving the block without `exitedCleanly()` terminates it and its whole process group. */
export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  /** Must be read to its end; a consumer that stops early ends the program with SIGPIPE. */
  readonly stdout: AsyncIterable<Buffer>;
  /**
   * Resolves when the program ended with status 0. Throws `program-failed` with the last lines of its standard error
   * for any other end, the reason of an aborted context, or the error of its input. The end of stdout proves nothing.
   */
  exitedCleanly(): Promise<void>;
}

export interface ProgramOutput {
  readonly stdout: string;
  /** Last lines of standard error. */
  readonly stderr: readonly string[];
}

const defaultGraceMs = 5_000;
/** How long a grandchild that keeps standard error open after the program's end may delay us. */
const stderrDrainMs = 1_000;
const defaultOutputBytes = 16 * 1024 * 1024;

/**
 * Starts a program whose standard output is consumed as a stream.
 * Throws `program-missing` when it is not there, `program-failed` when it cannot be started.
 */
export async function openProgram(ctx: Context, options: ProgramOptions): Promise<RunningProgram> {
  ctx.signal.throwIfAborted();
  const spawned = await spawnProgram(options);
  const graceMs = options.graceMs ?? defaultGraceMs;
  const terminate = () => terminateGroup(ctx.clock, spawned, graceMs);
  const onAbort = () => void terminate();
  ctx.signal.addEventListener('abort', onAbort, { once: true });
  if (ctx.signal.aborted) onAbort(); // it came while we were starting
  const input = feed(spawned, options.input, terminate);
  const end = settle(ctx, spawned).finally(() => ctx.signal.removeEventListener('abort', onAbort));
  return {
    pid: spawned.pid,
    stdout: spawned.stdout,
    exitedCleanly: async () => {
      const exit = await end;
      const inputError = await input;
      ctx.signal.throwIfAborted();
      if (inputError !== undefined) throw inputError;
      if (exit.status !== 0) throw programFailed(options.program, exit);
    },
    [Symbol.asyncDispose]: async () => {
      await terminate();
      spawned.stdout.destroy();
      spawned.stderr.destroy(); // what the program has left running may talk on; nobody listens any more
      await end;
    },
  };
}

/**
 * Runs a program to its end and returns what it printed. Throws as `openProgram` and `exitedCleanly` do, and
 * `program-failed` when it prints more than `maxOutputBytes` (default 16 MiB).
 */
export async function runProgram(
  ctx: Context,
  options: ProgramOptions & { readonly maxOutputBytes?: number },
): Promise<ProgramOutput> {
  const stderr: string[] = [];
  await using running = await openProgram(ctx, {
    ...options,
    onStderrLine: (line) => {
      stderr.push(line);
      if (stderr.length > 200) stderr.shift();
      options.onStderrLine?.(line);
    },
  });
  const limit = options.maxOutputBytes ?? defaultOutputBytes;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of running.stdout) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limit) {
      throw new OperationError('program-failed', `${options.program} printed more than ${limit} bytes`, {
        detail: { program: options.program, limitBytes: limit },
      });
    }
    chunks.push(chunk);
  }
  await running.exitedCleanly();
  return { stdout: Buffer.concat(chunks).toString('utf8'), stderr };
}

/** What writing to a program that has ended, or closed its input, fails with: its exit status tells why. */
const readerGone: ReadonlySet<string | undefined> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECANCELED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Writes the input; resolves to the error of the input's own source, never to the program's closed pipe. */
async function feed(
  spawned: SpawnedProgram,
  input: ProgramOptions['input'],
  terminate: () => Promise<void>,
): Promise<Error | undefined> {
  if (spawned.stdin === null || input === undefined) return undefined;
  const source = input instanceof Uint8Array ? Readable.from([input]) : Readable.from(input);
  try {
    await pipeline(source, spawned.stdin);
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (readerGone.has(code)) return undefined;
    await terminate();
    return error instanceof Error ? error : new Error(errorMessage(error));
  }
}

async function settle(ctx: Context, spawned: SpawnedProgram): Promise<ProgramExit> {
  const exit = await spawned.exited;
  await Promise.race([spawned.stderrEnded, ctx.clock.sleep(stderrDrainMs)]);
  return { ...exit, stderr: spawned.stderrTail() };
}
