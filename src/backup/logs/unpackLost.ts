import type { Context } from '../../base/context.ts';
import { isOperationError, type OperationError } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';
import { onLogs } from './logFileError.ts';
import { unpackPiece } from './packPiece.ts';

/** Unpacks the pieces that are here and no longer stored: the repository, or its last snapshots, were lost. */
export async function unpackLost(
  ctx: Context,
  directory: LogDirectory,
  { stored, keepMs }: { readonly stored: ReadonlyMap<string, unknown>; readonly keepMs: number },
): Promise<OperationError[]> {
  const problems: OperationError[] = [];
  const { pieces } = directory.list();
  const unpacked = new Set(pieces.filter(({ packed }) => !packed).map(({ name }) => name));
  const oldest = ctx.clock.now().getTime() - keepMs;
  for (const piece of pieces) {
    if (unpacked.has(piece.name) || stored.has(piece.name) || piece.time.getTime() < oldest) continue;
    try {
      await onLogs(`unpack ${directory.join(piece.name)}`, () => unpackPiece(ctx, directory, piece));
    } catch (error) {
      if (!isOperationError(error) || ctx.signal.aborted) throw error;
      problems.push(error);
    }
  }
  return problems;
}
