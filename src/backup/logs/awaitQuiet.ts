import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { piecesStillInLogs } from './cutIntent.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import type { FoundPiece } from './pieceName.ts';
import { describeWriters, findWriters, isBeingWritten } from './writers.ts';

const firstPollMs = 10;
const maxPollMs = 500;

/**
 * The unpacked pieces that nobody writes to any more, waiting for the others for `timeoutMs`. Nobody can begin to: a
 * piece is known to us alone. The problems say which ones are left for the next run. Without those that could not be
 * taken out of their logs yet.
 */
export async function awaitQuiet(
  ctx: Context,
  directory: LogDirectory,
  timeoutMs: number,
): Promise<{ readonly quiet: FoundPiece[]; readonly problems: OperationError[] }> {
  const quiet: FoundPiece[] = [];
  const problems: OperationError[] = [];
  const inLogs = piecesStillInLogs(directory);
  let waiting = directory.list().pieces.filter(({ name, packed }) => !packed && !inLogs.has(name));
  const deadline = ctx.clock.monotonicMs() + timeoutMs;
  for (let pollMs = firstPollMs; waiting.length > 0; pollMs = Math.min(pollMs * 2, maxPollMs)) {
    const busy: FoundPiece[] = [];
    for (const piece of waiting) {
      const state = await pieceState(directory, piece);
      if (state === 'quiet') quiet.push(piece);
      else if (state === 'busy') busy.push(piece);
      else problems.push(state);
    }
    waiting = busy;
    if (busy.length === 0) break;
    if (ctx.clock.monotonicMs() >= deadline) break;
    await ctx.clock.sleep(pollMs, ctx.signal);
  }
  problems.push(...waiting.map((piece) => stillOpen(directory, piece)));
  return { quiet, problems };
}

async function pieceState(directory: LogDirectory, { name }: FoundPiece): Promise<'quiet' | 'busy' | OperationError> {
  try {
    const path = directory.join(name);
    const written = await onLogs(`look at ${path}`, () => isBeingWritten(directory.posix, path));
    if (written === undefined) return untellable(name);
    return written ? 'busy' : 'quiet';
  } catch (error) {
    if (!isOperationError(error)) throw error;
    return error;
  }
}

function stillOpen(directory: LogDirectory, { name }: FoundPiece): OperationError {
  const stat = directory.stat(name);
  const writers = stat === undefined ? [] : findWriters(stat);
  return new OperationError('incomplete', `${name} is still written to by ${describeWriters(writers)}`, {
    hint: 'it is kept for the next run; does the command after rotating make that program open its log anew?',
    detail: { piece: name, pids: writers.map(({ pid }) => pid) },
  });
}

function untellable(name: string): OperationError {
  return new OperationError('incomplete', `whether somebody still writes to ${name} cannot be told`, {
    hint: 'it is kept for the next run; run as root or as the owner of the file, on the machine that has the disk',
    detail: { piece: name },
  });
}
