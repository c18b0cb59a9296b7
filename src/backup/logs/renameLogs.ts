import { linkSync, unlinkSync } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { nextPiece, type Piece } from './pieceName.ts';

/**
 * Closes a log: it gets the name of a piece, and its writers go on writing to it until they open the log anew. The new
 * name never replaces anything. Undefined when there is nothing in the log.
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
    rename(directory, log, piece.name);
    directory.sync();
  });
  return piece;
}

/** The logs that a killed run had begun to rename in two steps: they are pieces already. */
export function halfRenamedLogs(directory: LogDirectory): string[] {
  const { logs, pieces } = directory.list();
  return logs.filter((log) => {
    const stat = directory.stat(log);
    return pieces.some((piece) => piece.log === log && !piece.packed && sameFile(directory, piece, stat));
  });
}

/** Finishes such a renaming: the old name goes. */
export async function completeRename(directory: LogDirectory, log: string): Promise<void> {
  await onLogs(`remove ${directory.join(log)}`, () => unlinkSync(directory.join(log)));
}

/** In one step, so that a log that somebody makes anew meanwhile stays; in two where the system has no such call. */
function rename(directory: LogDirectory, log: string, piece: string): void {
  const from = directory.join(log);
  const to = directory.join(piece);
  try {
    directory.posix.renameExclusive(Buffer.from(from), Buffer.from(to));
  } catch (error) {
    if (!['ENOSYS', 'EINVAL'].includes(systemErrorCode(error) ?? '')) throw error;
    linkSync(from, to);
    unlinkSync(from);
  }
}

function sameFile(directory: LogDirectory, piece: Piece, log: ReturnType<LogDirectory['stat']>): boolean {
  const stat = directory.stat(piece.name);
  return stat !== undefined && stat.ino === log?.ino && stat.dev === log.dev;
}
