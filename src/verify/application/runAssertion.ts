import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Context } from '../../base/context.ts';
import { formatDuration } from '../../base/duration.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import { limitTime } from '../../base/limitTime.ts';
import { runForLines } from '../../postgres/runForLines.ts';
import { endMarked, scratchMark } from '../../postgres/scratchDirectory.ts';
import type { Outcome } from '../proof/checkList.ts';
import type { CommandAssertion } from './assertion.ts';
import type { RestoredApplication } from './checkApplication.ts';
import { findLogin } from './login.ts';
import { OutputTail } from './outputTail.ts';

const expected = 'exit status 0';
/** What a shell ends with when it could not run the command at all. */
const notRun = [126, 127];

/**
 * Runs a command of the shell against what was restored. It sees nothing of our environment but what every program
 * needs, and leaves nothing running.
 */
export async function runAssertion(
  ctx: Context,
  assertion: CommandAssertion,
  restored: RestoredApplication,
): Promise<Outcome> {
  const { command, timeoutMs } = assertion;
  const directory = resolve(restored.directory ?? '.', assertion.directory ?? '');
  if (isLacking(directory, restored)) return lacking(assertion);
  const env = { ...(await environmentOf(ctx, assertion, restored)), ...scratchMark(restored.scratch) };
  const output = new OutputTail();
  using limited = limitTime(ctx, timeoutMs);
  try {
    await runForLines(limited.ctx, {
      program: '/bin/sh',
      args: ['-c', command],
      cwd: directory,
      env,
      onLine: (line) => output.add(line),
      endGroup: true,
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (limited.ctx.signal.aborted) return failed(`still running after ${formatDuration(timeoutMs)}`, output);
    if (!isOperationError(error, 'program-failed')) throw error;
    return outcomeOfExit(error, output);
  } finally {
    endMarked(restored.scratch); // also what has left the process group
  }
  return { status: 'passed', expected, actual: expected };
}

/** Where the application finds what was restored, in the variables that it and libpq know. */
async function environmentOf(
  ctx: Context,
  assertion: CommandAssertion,
  { server, directory }: RestoredApplication,
): Promise<Record<string, string>> {
  const restored = directory === undefined ? {} : { UNDERSTUDY_RESTORED_DIRECTORY: directory };
  if (server === undefined) return restored;
  const { connection, takeOn } = await findLogin(ctx, server, assertion);
  if (takeOn !== undefined) {
    throw new OperationError('usage', `role "${takeOn}" cannot log in, and a command has to`, {
      hint: 'name a role that can, or assert with `sql`',
    });
  }
  const { host, port, user, database = '' } = connection;
  const [login, name, socket] = [user, database, host].map(encodeURIComponent);
  return {
    ...restored,
    DATABASE_URL: `postgresql://${login}@/${name}?host=${socket}&port=${port}`,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
  };
}

function isLacking(directory: string, restored: RestoredApplication): boolean {
  if (restored.directory === undefined || existsSync(directory)) return false;
  return directory.startsWith(restored.directory + sep);
}

function lacking({ directory }: CommandAssertion): Outcome {
  return { status: 'failed', expected, actual: `there is no directory ${directory} in what was restored` };
}

function outcomeOfExit(error: OperationError, output: OutputTail): Outcome {
  const { exitStatus, signal } = error.detail;
  if (typeof exitStatus !== 'number') return failed(`ended by ${String(signal)}`, output);
  if (!notRun.includes(exitStatus)) return failed(`exit status ${exitStatus}`, output);
  return {
    status: 'inconclusive',
    expected,
    actual: `exit status ${exitStatus}: the command could not be run`,
    detail: output.lines(),
    hint: 'is everything that the command needs installed on this machine?',
  };
}

function failed(actual: string, output: OutputTail): Outcome {
  return { status: 'failed', expected, actual, detail: output.lines() };
}
