import { closeSync, fstatSync, openSync, readFileSync, readdirSync, unlinkSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { OperationError, isOperationError, systemErrorCode } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';
import { intentName, logOfIntent } from './pieceName.ts';
import { plainFile } from './readBeginning.ts';

const schema = z.object({
  format: z.literal(1),
  /** `copy` until the piece is durable and its bytes are out of the log; then `collapse`. */
  phase: z.enum(['copy', 'collapse']),
  /** Name of the piece that gets the beginning of the log. */
  piece: z.string(),
  lengthBytes: z.int().positive(),
  /** The log, which somebody else may have replaced since. */
  inode: z.string(),
});

/** What a run is about to do to a log, so that the next one can finish it. */
export type CutIntent = z.infer<typeof schema>;

export function saveCutIntent(directory: LogDirectory, log: string, intent: CutIntent): void {
  writeFileAtomic(pathOf(directory, log), Buffer.from(`${JSON.stringify(intent)}\n`));
}

/**
 * Undefined when no run was killed in the middle. It is written atomically: what is no intent is not ours, and throws
 * `file-io`.
 */
export function loadCutIntent(directory: LogDirectory, log: string): CutIntent | undefined {
  const path = pathOf(directory, log);
  try {
    return schema.parse(JSON.parse(readPlainFile(path)));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    throw new OperationError('file-io', `${path} is not as understudy writes it`, {
      hint: `it says what a killed run had begun with ${log}: who else writes there? Remove it when the log is whole`,
      detail: { log, ...(code === undefined ? {} : { systemError: code }) },
      cause: error,
    });
  }
}

export function removeCutIntent(directory: LogDirectory, log: string): void {
  unlinkSync(pathOf(directory, log));
  directory.sync();
}

/** The logs that a killed run had begun with. */
export function logsWithCutIntent(directory: LogDirectory): string[] {
  return readdirSync(directory.path)
    .flatMap((name) => logOfIntent(name) ?? [])
    .filter((log) => directory.isOurs(log));
}

/** Pieces of which the log still holds everything: stored now, it would be stored twice. */
export function piecesStillInLogs(directory: LogDirectory): Set<string> {
  const pieces = logsWithCutIntent(directory).flatMap((log) => {
    const intent = readableIntent(directory, log);
    return intent?.phase === 'copy' ? [intent.piece] : [];
  });
  return new Set(pieces);
}

/** One that cannot be read is a problem of its log, which is told where it is completed. */
function readableIntent(directory: LogDirectory, log: string): CutIntent | undefined {
  try {
    return loadCutIntent(directory, log);
  } catch (error) {
    if (!isOperationError(error)) throw error;
    return undefined;
  }
}

function readPlainFile(path: string): string {
  const fd = openSync(path, plainFile);
  try {
    return fstatSync(fd).isFile() ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}

function pathOf(directory: LogDirectory, log: string): string {
  return directory.join(intentName(log));
}
