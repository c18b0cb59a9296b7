import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage, isOperationError, systemErrorCode } from '../../base/errors.ts';
import { limitTime } from '../../base/limitTime.ts';
import { runProgram } from '../../postgres/runProgram.ts';
import { completeCut } from './completeCut.ts';
import { logsWithCutIntent } from './cutIntent.ts';
import { cutLog } from './cutLog.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { parsePieceName } from './pieceName.ts';
import { completeRename, halfRenamedLogs, renameLog } from './renameLogs.ts';
import { isBeingWritten } from './writers.ts';

export interface RotateOptions {
  readonly method: 'rename' | 'copy-truncate';
  /** Shell command that makes the writers open their logs anew; for `rename`. */
  readonly afterRotate?: string | undefined;
  /** Names of the pieces that are stored; a new one comes after them. */
  readonly earlier: readonly string[];
}

const commandTimeoutMs = 60_000;

/**
 * Closes a piece of every log that has something in it. What a killed run had begun is finished first. Problems with
 * one log do not keep the others from being rotated; they are returned.
 */
export async function rotateLogs(
  ctx: Context,
  directory: LogDirectory,
  { method, afterRotate, earlier }: RotateOptions,
): Promise<OperationError[]> {
  const problems: OperationError[] = [];
  const each = async (logs: readonly string[], work: (log: string) => Promise<unknown>): Promise<void> => {
    for (const log of logs) {
      try {
        await work(log);
      } catch (error) {
        if (!isOperationError(error) || ctx.signal.aborted) throw error;
        problems.push(error);
      }
    }
  };
  await each([directory.path], (path) => onLogs(`tidy ${path}`, () => directory.removeTemporaries()));
  await each(halfRenamedLogs(directory), (log) => completeRename(directory, log));
  await each(logsWithCutIntent(directory), (log) =>
    onLogs(`rotate ${directory.join(log)}`, () => completeCut(ctx, directory, log)),
  );
  problems.push(...directory.leftOut().map((name) => notRotated(directory, name)));
  const { logs, pieces } = directory.list();
  // a log whose last rotation could not be finished is let alone
  const unfinished = new Set([...logsWithCutIntent(directory), ...halfRenamedLogs(directory)]);
  const known = [...pieces, ...earlier.flatMap((name) => parsePieceName(name) ?? [])];
  await each(
    logs.filter((log) => !unfinished.has(log)),
    (log) =>
      method === 'rename'
        ? renameLog(directory, log, { now: ctx.clock.now(), pieces: known })
        : cutLog(ctx, directory, { log, pieces: known }),
  );
  // also for pieces of a run that was killed before it came to this
  if (afterRotate !== undefined && hasOpenPiece(directory)) await each([afterRotate], (command) => run(ctx, command));
  return problems;
}

function notRotated(directory: LogDirectory, name: string): OperationError {
  return new OperationError('incomplete', `${directory.join(name)} is not rotated: a link, or no UTF-8`, {
    hint: 'back up the directory that the link leads to; files whose names are not UTF-8 have to be renamed',
    detail: { log: name },
  });
}

function hasOpenPiece(directory: LogDirectory): boolean {
  const unpacked = directory.list().pieces.filter(({ packed }) => !packed);
  return unpacked.some(({ name }) => mayBeWritten(directory, name));
}

function mayBeWritten(directory: LogDirectory, piece: string): boolean {
  try {
    return isBeingWritten(directory.posix, directory.join(piece)) !== false;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false; // who waits for the writers tells it
  }
}

async function run(ctx: Context, command: string): Promise<void> {
  using limited = limitTime(ctx, commandTimeoutMs);
  try {
    await runProgram(limited.ctx, { program: '/bin/sh', args: ['-c', command] });
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw new OperationError('program-failed', `the command after rotating failed: ${errorMessage(error)}`, {
      hint: 'the rotated logs are kept and come with the next run, when their writers have opened new ones',
      cause: error,
    });
  }
}
