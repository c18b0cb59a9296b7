import { statSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ObjectStat } from './backend.ts';
import { isAbsence } from './fileErrors.ts';
import { isNameComponent } from './objectName.ts';

/** stat() calls in a row before other work of this process gets its turn. */
const statBatch = 500;

/**
 * Lists the objects below `root` whose names begin with `prefix`, in no particular order. As in stock restic, exactly
 * one directory level is descended below `data/` and plain files directly in it are no objects; elsewhere any depth.
 * Symbolic links are followed. Throws Node's system errors; what is not there is not listed.
 */
export async function* listObjects(signal: AbortSignal, root: string, prefix: string): AsyncIterable<ObjectStat> {
  const folders = [prefix.slice(0, prefix.lastIndexOf('/') + 1)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let count = 0;
    for (const component of await readNames(join(root, folder))) {
      if (++count % statBatch === 0) await breathe();
      signal.throwIfAborted();
      const name = folder + component;
      if (!isNameComponent(component) || !name.startsWith(prefix)) continue;
      const found = statIfPresent(join(root, name));
      if (found?.isDirectory() === true && mayDescend(folder)) folders.push(`${name}/`);
      if (found?.isFile() === true && folder !== 'data/') {
        yield { name, sizeBytes: found.size, modifiedAt: found.mtime };
      }
    }
  }
}

function mayDescend(folder: string): boolean {
  return folder === 'data/' || !folder.startsWith('data/');
}

async function readNames(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

function statIfPresent(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
