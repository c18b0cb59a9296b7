import type { Context } from '../base/context.ts';
import { systemErrorCode } from '../base/errors.ts';
import { linesOf } from './process/lines.ts';
import { signalGroup } from './process/terminateGroup.ts';
import { openProgram, type ProgramOptions } from './runProgram.ts';

export interface LinesOptions extends Omit<ProgramOptions, 'onStderrLine'> {
  /** Gets every line of standard output and standard error; must not throw. */
  readonly onLine: (line: string) => void;
  /** End what the program has left running in its process group; default it goes on. */
  readonly endGroup?: boolean;
}

/** How long a program that has ended may still have something to say through what it left running. */
const outputDrainMs = 500;

/** Runs a program to its end in a process group of its own. Throws as `openProgram` and `exitedCleanly` do. */
export async function runForLines(ctx: Context, { onLine, endGroup = false, ...options }: LinesOptions): Promise<void> {
  await using running = await openProgram(ctx, { ...options, onStderrLine: onLine });
  const printing = printAll(running.stdout, onLine);
  printing.catch(() => undefined); // told below
  try {
    await running.exitedCleanly();
  } finally {
    if (endGroup) signalGroup(running.pid, 'SIGKILL');
    await endOrPause(ctx, printing);
  }
}

/** A server that the program has started may keep its output open for ever; destroying that is no error. */
async function printAll(stdout: AsyncIterable<Uint8Array>, print: (line: string) => void): Promise<void> {
  try {
    for await (const line of linesOf(stdout)) print(line);
  } catch (error) {
    if (systemErrorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function endOrPause({ clock }: Context, end: Promise<void>): Promise<void> {
  const over = new AbortController();
  const pause = clock.sleep(outputDrainMs, over.signal).catch(() => undefined);
  await Promise.race([end, pause]);
  over.abort();
}
