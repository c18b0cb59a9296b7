import { resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { runForLines } from '../../postgres/runForLines.ts';
import { processMarks } from '../leftovers.ts';
import type { KindProblem, StepEnvironment } from '../stepKind.ts';
import { shellWord } from './byHand.ts';

/** The keys of a step that runs a program. */
export const commandShape = {
  command: z.array(z.string()).min(1).optional().describe('Program and arguments; no shell looks at them.'),
  shell: z.string().min(1).optional().describe('A command line for /bin/sh, instead of `command`.'),
  environment: z.record(z.string(), z.string()).default({}).describe('Variables; the place for secrets.'),
  directory: z.string().min(1).optional().describe("Where to run it; relative to the run's working directory."),
};

export interface Command {
  readonly command?: readonly string[] | undefined;
  readonly shell?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string | undefined;
}

export function checkCommand({ command, shell }: Command): KindProblem[] {
  if ((command === undefined) !== (shell === undefined)) return [];
  return [{ path: [], message: 'it takes either `command` or `shell`' }];
}

/**
 * Runs the program in a process group of its own, which is ended when the context is aborted; what it prints goes to
 * the step's output. Resolves with the number of lines. Throws `program-failed`, `program-missing`, `file-missing`,
 * and what the output throws.
 */
export async function runCommand(
  ctx: Context,
  { command, shell, environment, directory }: Command,
  { step, input }: { readonly step: StepEnvironment; readonly input?: Uint8Array },
): Promise<number> {
  const [program, ...args] = command ?? ['/bin/sh', '-c', shell ?? ''];
  if (program === undefined || program === '') {
    throw new OperationError('plan-invalid', `step ${step.step} has no program to run`, { hint: 'see its `command`' });
  }
  let lines = 0;
  let notKept: unknown;
  // whoever calls this is a stream, to which nobody can throw: the step fails at its end
  const print = (line: string): void => {
    lines++;
    try {
      if (notKept === undefined) step.output(line);
    } catch (error) {
      notKept = error;
    }
  };
  const env: Record<string, string | Secret> = processMarks(step);
  for (const [name, text] of Object.entries(environment)) env[name] = step.fill(text);
  await runForLines(ctx, {
    program,
    args,
    cwd: resolve(step.directory, directory ?? ''),
    env,
    onLine: print,
    ...(input === undefined ? {} : { input }),
  });
  if (notKept !== undefined) throw notKept;
  return lines;
}

/** The command as a person types it; secrets are the variables of their names. */
export function commandByHand({ command, shell, environment, directory }: Command): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  const line = shell ?? (command ?? []).map(shellWord).join(' ');
  return [...(directory === undefined ? [] : [`cd ${shellWord(directory)}`]), ...variables, line].join('\n');
}
