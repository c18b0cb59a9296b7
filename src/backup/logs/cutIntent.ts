import { readFileSync, readdirSync, unlinkSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { systemErrorCode } from '../../base/errors.ts';
import type { LogDirectory } from './logDirectory.ts';
import { intentName, logOfIntent } from './pieceName.ts';

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

/** Undefined when no run was killed in the middle. It is written atomically: what is no intent is not ours. */
export function loadCutIntent(directory: LogDirectory, log: string): CutIntent | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(pathOf(directory, log), 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
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

function pathOf(directory: LogDirectory, log: string): string {
  return directory.join(intentName(log));
}
