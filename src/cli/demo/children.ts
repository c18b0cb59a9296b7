import type { Context } from '../../base/context.ts';
import { openProgram, runProgram, type OsUser, type RunningProgram } from '../../postgres/runProgram.ts';
import type { Secret } from '../../base/secret.ts';
import type { OwnProgram } from './ownProgram.ts';

/** Runs this program's commands as a person would, each in a process of its own. */
export class Commands {
  readonly #program: OwnProgram;
  readonly #user: OsUser | undefined;
  readonly #env: Readonly<Record<string, string | Secret>>;

  constructor(program: OwnProgram, user: OsUser | undefined, env: Readonly<Record<string, string | Secret>>) {
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
  async start(ctx: Context, ...args: readonly string[]): Promise<RunningProgram> {
    const running = await openProgram(ctx, { ...this.#options(args), graceMs: 20_000 });
    void drain(running.stdout);
    return running;
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

async function drain(stdout: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const _ of stdout) continue;
  } catch {
    // it ended; whoever waits for it sees how
  }
}
