import { systemClock } from '../base/clock.ts';
import type { Context } from '../base/context.ts';
import { silentLog, type Log } from '../base/log.ts';
import type { PluginState } from '../base/pluginState.ts';
import { fastCommands } from './fastCommands.ts';
import type { GlobalValues } from './globalOptions.ts';
import { createInvocation } from './invocation.ts';
import type { ParsedCommand } from './parsedCommand.ts';
import { createPrinter } from './createPrinter.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** Runs what the words after the program's name ask for. Returns a plugin's state, throws what the command threw. */
export async function runCommandLine(words: readonly string[], signal: AbortSignal): Promise<PluginState | undefined> {
  const parsed = (await fastCommand(words)) ?? (await fullCommand(words));
  return parsed === undefined ? undefined : execute(parsed, signal);
}

async function fastCommand(words: readonly string[]): Promise<ParsedCommand | undefined> {
  const load = fastCommands[words.slice(0, 2).join(' ')];
  if (load === undefined) return undefined;
  const { parseFast } = await import('./fastPath.ts');
  return parseFast(words, await load());
}

/** Undefined when the answer was a text, which is printed. */
async function fullCommand(words: readonly string[]): Promise<ParsedCommand | undefined> {
  const { parseCommandLine } = await import('./parse.ts');
  const parsed = parseCommandLine(words);
  if ('registered' in parsed) return parsed;
  process.stdout.write(parsed.text);
  return undefined;
}

async function execute(parsed: ParsedCommand, signal: AbortSignal): Promise<PluginState | undefined> {
  const { global, registered } = parsed;
  const terminal = processTerminal(global.noColor);
  const log = await openLog(global, terminal);
  const ctx: Context = { signal, log, clock: systemClock };
  const printer = await createPrinter({ terminal, clock: ctx.clock, quiet: global.quiet, json: global.json });
  const command = registered.spec.name;
  let completed = false;
  try {
    log.info({ command, pid: process.pid }, 'command begins');
    const { run } = await registered.load();
    const state = await run(ctx, createInvocation(ctx, { parsed, terminal, printer }));
    completed = true;
    log.info({ command }, 'command ends');
    return state ?? undefined;
  } catch (error) {
    log.error({ command, err: error }, 'command failed');
    throw error;
  } finally {
    printer.end(completed);
  }
}

function processTerminal(noColor: boolean): Terminal {
  return createTerminal({
    stdout: () => process.stdout,
    stderr: () => process.stderr,
    environment: process.env,
    noColor,
  });
}

async function openLog(global: GlobalValues, terminal: Terminal): Promise<Log> {
  const { verbose, logFile, json } = global;
  if (!verbose && logFile === undefined) return silentLog;
  const { createLog } = await import('./log.ts');
  return createLog({ verbose, logFile, json, terminal });
}
