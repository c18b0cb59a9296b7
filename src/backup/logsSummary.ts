import { parsePieceName } from './logs/pieceName.ts';
import type { LogsRecord } from './logsRecord.ts';

export interface SummedPieces {
  /** The logs that the pieces are of, in the order of their names. */
  readonly logs: LogsRecord['logs'];
  /** Names that no piece has. */
  readonly strangers: readonly string[];
}

/** What pieces, by their names in a snapshot, are together. */
export function sumUpPieces(pieces: ReadonlyMap<string, { readonly size: bigint }>): SummedPieces {
  const logs = new Map<string, LogsRecord['logs'][number]>();
  const strangers: string[] = [];
  for (const name of [...pieces.keys()].sort()) {
    const piece = parsePieceName(name);
    if (piece === undefined) {
      strangers.push(name);
      continue;
    }
    const last = piece.time.toISOString();
    const before = logs.get(piece.log) ?? { name: piece.log, pieces: 0, sizeBytes: 0, first: last, last };
    const sizeBytes = before.sizeBytes + Number(pieces.get(name)?.size ?? 0n);
    logs.set(piece.log, { ...before, pieces: before.pieces + 1, sizeBytes, last });
  }
  return { logs: [...logs.values()], strangers };
}
