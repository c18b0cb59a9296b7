import type { Context } from '../../base/context.ts';
import { openProgram, runProgram, type OsUser, type RunningProgram } from '../../postgres/runProgram.ts';
import { OperationError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import type { ReachableProgram } from './reachableProgram.ts';

/** Runs this program's commands as a person would, each in a process of its own. */
export class Commands {
  readonly #program: ReachableProgram;
  readonly #user: OsUser | undefined;
  readonly #env: Readonly<Record<string, string | Secret>>;

  constructor(program: ReachableProgram, user: OsUser | undefined, env: Readonly<Record<string, string | Secret>>) {
    this.#program = program;
    this.#user = user;
    this.#env = env;
  }

  /** Runs a command to its end with `--json`; the objects it printed, by their `message_type`. */
  async run(ctx: Context, ...args: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
    const { stdout } = await runProgram(ctx, { ...this.#options(args), graceMs: 20_000 });
    const messages = stdout.split('\n').filter((line) => line.startsWith('{'));
    return new Map(
      messages.map((line) => {
        const message = JSON.parse(line) as Record<string, unknown>;
        return [String(message.message_type), message];
      }),
    );
  }

  /** Starts a command that goes on until it is disposed of. */
  async start(ctx: Context, ...args: readonly string[]): Promise<RunningCommand> {
    return new RunningCommand(await openProgram(ctx, { ...this.#options(args), graceMs: 20_000 }));
  }

  #options(args: readonly string[]): {
    program: string;
    args: string[];
    user: OsUser | undefined;
    env: Readonly<Record<string, string | Secret>>;
  } {
    return {
      program: this.#program.node,
      args: [this.#program.entry, ...args, '--json'],
      user: this.#user,
      env: this.#env,
    };
  }
}

/** A command at work. Disposing asks it to stop and waits until it has. */
export class RunningCommand implements AsyncDisposable {
  readonly #program: RunningProgram;
  #ended: { readonly error: unknown } | undefined;

  constructor(program: RunningProgram) {
    this.#program = program;
    void drain(program.stdout);
    const note = (error: unknown): void => void (this.#ended = { error });
    program.exitedCleanly().then(note, note);
  }

  /** Throws when it has ended by itself. */
  check(): void {
    if (this.#ended === undefined) return;
    throw this.#ended.error ?? new OperationError('program-failed', 'a command of the demo ended before its time');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

async function drain(stdout: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const _ of stdout) continue;
  } catch {
    // it ended; whoever waits for it sees how
  }
}
