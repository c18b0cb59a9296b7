import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { equalsBeginning } from './copyPiece.ts';
import { loadCutIntent, removeCutIntent, saveCutIntent, type CutIntent } from './cutIntent.ts';
import type { LogDirectory } from './logDirectory.ts';

interface Cut {
  readonly log: string;
  /** The log, open for reading and writing. */
  readonly fd: number;
  readonly intent: CutIntent;
}

/**
 * Takes out of a log what its piece holds, from wherever the intent and the log say that it stands: a hole at the
 * beginning was copied and is still to go; without one, nothing was taken out in phase `copy`, and all in `collapse`.
 */
export async function completeCut(ctx: Context, directory: LogDirectory, log: string): Promise<void> {
  const intent = loadCutIntent(directory, log);
  if (intent === undefined) return;
  // somebody else may have replaced the log: then there is nothing to take out of the new one
  if (String(directory.stat(log)?.ino) === intent.inode) {
    const fd = openSync(directory.join(log), constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      await advance(ctx, directory, { log, fd, intent });
    } finally {
      closeSync(fd);
    }
  }
  removeCutIntent(directory, log);
}

async function advance(ctx: Context, directory: LogDirectory, cut: Cut): Promise<void> {
  const { log, fd, intent } = cut;
  const { piece, lengthBytes } = intent;
  if (intent.phase === 'copy') {
    if (!beginsWithHole(directory, cut)) {
      if (!(await equalsBeginning(ctx, directory, { log, piece, lengthBytes }))) return;
      directory.posix.punchHole(fd, 0, lengthBytes);
    }
    fsyncSync(fd);
    saveCutIntent(directory, log, { ...intent, phase: 'collapse' });
  }
  if (beginsWithHole(directory, cut)) {
    directory.posix.collapseRange(fd, 0, lengthBytes);
    fsyncSync(fd);
  }
}

function beginsWithHole({ posix }: LogDirectory, { fd, intent }: Cut): boolean {
  try {
    return posix.findData(fd, 0) >= intent.lengthBytes;
  } catch (error) {
    if (systemErrorCode(error) === 'ENXIO') return false; // somebody emptied it
    throw error;
  }
}
