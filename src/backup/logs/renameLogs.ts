import { linkSync, unlinkSync } from 'node:fs';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { nextPiece, type Piece } from './pieceName.ts';

/**
 * Closes a log: it gets the name of a piece, and its writers go on writing to it until they open the log anew. The new
 * name is there before the old one goes, and never replaces anything. Undefined when there is nothing in the log.
 */
export async function renameLog(
  directory: LogDirectory,
  log: string,
  at: { readonly now: Date; readonly pieces: readonly Piece[] },
): Promise<Piece | undefined> {
  const stat = directory.stat(log);
  if (stat === undefined || stat.size === 0n) return undefined;
  const piece = nextPiece(log, at.now, at.pieces);
  await onLogs(`rename ${directory.join(log)}`, () => {
    linkSync(directory.join(log), directory.join(piece.name));
    unlinkSync(directory.join(log));
    directory.sync();
  });
  return piece;
}

/** Finishes a renaming that a killed run had begun: the old name of a piece goes. */
export async function completeRenames(directory: LogDirectory): Promise<void> {
  const { logs, pieces } = directory.list();
  for (const log of logs) {
    const stat = directory.stat(log);
    const twin = pieces.some((piece) => piece.log === log && !piece.packed && sameFile(directory, piece, stat));
    if (twin) await onLogs(`remove ${directory.join(log)}`, () => unlinkSync(directory.join(log)));
  }
}

function sameFile(directory: LogDirectory, piece: Piece, log: ReturnType<LogDirectory['stat']>): boolean {
  const stat = directory.stat(piece.name);
  return stat !== undefined && stat.ino === log?.ino && stat.dev === log.dev;
}
