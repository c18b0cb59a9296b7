import { unlinkSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import type { FileNode } from '../../snapshot/node.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { packPiece } from './packPiece.ts';
import { packedSuffix } from './pieceName.ts';

/**
 * Packs the pieces that a durable snapshot holds as they are here, and removes those of them that are older than
 * `keepLocalMs`. Returns how many were removed.
 */
export async function keepLocalPieces(
  ctx: Context,
  directory: LogDirectory,
  { stored, keepLocalMs }: { readonly stored: ReadonlyMap<string, FileNode>; readonly keepLocalMs: number },
): Promise<number> {
  let removed = 0;
  const now = ctx.clock.now().getTime();
  for (const piece of directory.list().pieces) {
    ctx.signal.throwIfAborted();
    const node = stored.get(piece.name);
    if (node === undefined) continue;
    // written to after all: it is stored again by the next run
    if (!piece.packed && directory.stat(piece.name)?.size !== node.size) continue;
    const fileName = piece.packed ? piece.name + packedSuffix : piece.name;
    if (now - piece.time.getTime() >= keepLocalMs) {
      await onLogs(`remove ${directory.join(fileName)}`, () => unlinkSync(directory.join(fileName)));
      removed++;
    } else if (!piece.packed) {
      await onLogs(`compress ${directory.join(fileName)}`, () => packPiece(ctx, directory, piece));
    }
  }
  return removed;
}
