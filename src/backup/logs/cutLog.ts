import { statfs } from 'node:fs/promises';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { completeCut } from './completeCut.ts';
import { copyBeginning } from './copyPiece.ts';
import { refuseFileSystem, refuseOtherWriters } from './cutChecks.ts';
import { removeCutIntent, saveCutIntent } from './cutIntent.ts';
import { refuseLittleSpace } from './freeSpace.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { nextPiece, type Piece } from './pieceName.ts';

/**
 * Moves the beginning of a log into a piece while its writers go on appending to the same file. Whole blocks are moved;
 * what is left, at most a block, comes with the next piece. Every interruption is safe by the order of the steps:
 *
 * 1. the intent is durable;
 * 2. the piece is durable, and equal to the beginning of the log;
 * 3. that beginning becomes a hole;
 * 4. the intent says so;
 * 5. the hole is taken out of the file;
 * 6. the intent goes.
 *
 * (docs/decisions/0008). Undefined when there is no whole block to move. Throws `source-unsuitable` when a writer does
 * not append, or the file system cannot shorten a file at its beginning, `source-changed` when somebody else shortened
 * the log.
 */
export async function cutLog(
  ctx: Context,
  directory: LogDirectory,
  { log, pieces }: { readonly log: string; readonly pieces: readonly Piece[] },
): Promise<Piece | undefined> {
  const stat = directory.stat(log);
  if (stat === undefined) return undefined;
  const { bsize: blockBytes } = await statfs(directory.path);
  // one byte must stay: a range that reaches the end of the file cannot be taken out
  const lengthBytes = Math.floor((Number(stat.size) - 1) / blockBytes) * blockBytes;
  if (lengthBytes <= 0) return undefined;
  const piece = nextPiece(log, ctx.clock.now(), pieces);
  await onLogs(`rotate ${directory.join(log)}`, async () => {
    refuseOtherWriters(directory, log, stat);
    refuseFileSystem(directory, piece, blockBytes);
    await refuseLittleSpace(directory, log, lengthBytes);
    const inode = String(stat.ino);
    saveCutIntent(directory, log, { format: 1, phase: 'copy', piece: piece.name, lengthBytes, inode });
    if (await copyBeginning(ctx, directory, { log, piece: piece.name, lengthBytes })) {
      await completeCut(ctx, directory, log);
      return;
    }
    removeCutIntent(directory, log);
    throw shortened(log);
  });
  return piece;
}

function shortened(log: string): OperationError {
  return new OperationError('source-changed', `${log} was shortened by something else while it was rotated`, {
    hint: 'does logrotate work on it too? Switch that off; what is in the log now comes with the next run',
    detail: { log },
  });
}
