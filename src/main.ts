#!/usr/bin/env node
// Only names that old versions of Node.js have may be imported here: the version check must get to run.
import * as nodeModule from 'node:module';
import * as os from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const oldestNode = 24;
const words = process.argv.slice(2);

/**
 * PostgreSQL takes exit statuses 1 to 125 of restore_command for "there is no such file" and ends recovery there.
 * Only a proved absence may end with one of them; every other failure of `wal get` must stop recovery instead.
 */
const restoring = words.some((word, index) => word === 'wal' && words[index + 1] === 'get');
const smallestStopOfRecovery = 126;
const provedAbsent = 'wal-missing';

let finished = false;
process.exitCode = restoring ? smallestStopOfRecovery : 70;
process.on('exit', () => {
  if (!finished) process.stderr.write('understudy: internal error: ended before the command did\n');
});

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  process.stderr.write(`understudy: Node.js ${oldestNode} or newer is needed, this is ${process.version}\n`);
  process.stderr.write('hint: install a newer Node.js, or call understudy with one by its full path\n');
  end(restoring ? smallestStopOfRecovery : 1);
}
useCompileCache();
main().then(end, failed);

/** The exit status. */
async function main(): Promise<number> {
  process.on('uncaughtException', failed);
  process.on('SIGHUP', () => undefined); // stock restic's `unlock` sends it to see whether we live
  const signal = await abortOnSignals();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  const { runCommandLine } = await import('./cli/run.ts');
  try {
    const state = await runCommandLine(words, signal);
    if (state === undefined) return 0;
    const { pluginStates } = await import('./base/pluginState.ts');
    return pluginStates[state].exit;
  } catch (error) {
    const aborted = signal.aborted && error instanceof Error && error.name === 'AbortError';
    throw aborted ? signal.reason : error;
  }
}

/** The first SIGINT or SIGTERM asks the command to stop and tidy up, the second ends the process. */
async function abortOnSignals(): Promise<AbortSignal> {
  const { OperationError } = await import('./base/errors.ts');
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.on(name, () => {
      if (controller.signal.aborted) end(130);
      controller.abort(new OperationError('interrupted', `stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** Who reads our output may go away; a backup goes on. */
function ignoreClosedPipe(error: Error & { code?: string }): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') failed(error);
}

function failed(error: unknown): void {
  void endWithError(error);
}

async function endWithError(error: unknown): Promise<void> {
  let code = 70;
  try {
    const json = words.includes('--json');
    if (!restoring) await endPlugin(error, json);
    const { errorReport, exitCodeOf } = await import('./cli/errorReport.ts');
    const verbose = words.includes('--verbose') || words.includes('-v');
    process.stderr.write(errorReport(error, { json, verbose }));
    code = exitCodeOf(error);
  } catch {
    process.stderr.write(`understudy: internal error: ${String(error)}\n`);
  }
  const absent = error instanceof Error && 'code' in error && error.code === provedAbsent;
  end(restoring && !absent ? Math.max(code, smallestStopOfRecovery) : code);
}

/** Whatever keeps a monitoring plugin from judging is a state of its own: 1 and 2 would be judgements. */
async function endPlugin(error: unknown, json: boolean): Promise<void> {
  const { isPluginCall, pluginReport } = await import('./cli/pluginReport.ts');
  if (!isPluginCall(words)) return;
  const { pluginStates } = await import('./base/pluginState.ts');
  process.stdout.write(pluginReport(error, { json }));
  end(pluginStates.unknown.exit);
}

function end(code: number): never {
  finished = true;
  process.exit(code);
}

/** Keeps compiled code in the user's own cache: in a shared directory others could plant code there. */
function useCompileCache(): void {
  try {
    nodeModule.enableCompileCache(join(os.userInfo().homedir, '.cache', 'understudy', 'compiled'));
  } catch {
    // a user without a home starts a little slower
  }
}
