import { unlinkSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import { isOperationError, type OperationError } from '../../base/errors.ts';
import type { FileNode } from '../../snapshot/node.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { packPiece } from './packPiece.ts';
import { packedSuffix, type FoundPiece } from './pieceName.ts';

/**
 * Packs the pieces that a durable snapshot holds as they are here, and removes those of them that are older than
 * `keepLocalMs`. `removed` says how many; what could not be packed or removed stays as it is, and is told.
 */
export async function keepLocalPieces(
  ctx: Context,
  directory: LogDirectory,
  { stored, keepLocalMs }: { readonly stored: ReadonlyMap<string, FileNode>; readonly keepLocalMs: number },
): Promise<{ readonly removed: number; readonly problems: OperationError[] }> {
  let removed = 0;
  const problems: OperationError[] = [];
  const now = ctx.clock.now().getTime();
  for (const piece of directory.list().pieces) {
    ctx.signal.throwIfAborted();
    const node = stored.get(piece.name);
    if (node === undefined) continue;
    // written to after all: it is stored again by the next run
    if (!piece.packed && directory.stat(piece.name)?.size !== node.size) continue;
    const isOld = now - piece.time.getTime() >= keepLocalMs;
    try {
      if (isOld) await removePiece(directory, piece);
      else if (!piece.packed)
        await onLogs(`compress ${directory.join(piece.name)}`, () => packPiece(ctx, directory, piece));
      if (isOld) removed++;
    } catch (error) {
      if (!isOperationError(error) || ctx.signal.aborted) throw error;
      problems.push(error);
    }
  }
  return { removed, problems };
}

async function removePiece(directory: LogDirectory, { name, packed }: FoundPiece): Promise<void> {
  const path = directory.join(packed ? name + packedSuffix : name);
  await onLogs(`remove ${path}`, () => unlinkSync(path));
}
