import { statSync, unlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { isAbsence, translateFileError } from './fileErrors.ts';
import { isNameComponent, isTemporaryName } from './objectName.ts';

/** No writer takes this long for one object. */
const staleAfterMs = 24 * 3_600_000;

/**
 * Removes what writers that died left behind in a repository directory: files with temporary names that have not
 * changed for a day. Returns how many. They are invisible to everybody and cost only space. Throws `backend-*` errors.
 */
export async function removeStaleTemporaries(ctx: Context, root: string): Promise<number> {
  const staleBefore = ctx.clock.now().getTime() - staleAfterMs;
  const folders = [root];
  let removed = 0;
  try {
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      ctx.signal.throwIfAborted();
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && isNameComponent(entry.name)) folders.push(path);
        if (entry.isFile() && isTemporaryName(entry.name) && removeIfOlder(path, staleBefore)) removed++;
      }
    }
  } catch (error) {
    throw translateFileError(error, 'remove stale temporary files');
  }
  return removed;
}

function removeIfOlder(path: string, beforeMs: number): boolean {
  try {
    if (statSync(path).mtimeMs >= beforeMs) return false;
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false; // its writer finished or another process was faster
    throw error;
  }
}
