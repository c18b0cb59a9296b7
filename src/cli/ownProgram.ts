import { realpathSync } from 'node:fs';
import { assert } from '../base/errors.ts';

/** How to run this very program as another process: Node and the entry module, as absolute paths without links. */
export function ownProgram(): [node: string, entry: string] {
  const entry = process.argv[1];
  assert(entry !== undefined, 'a running program has an entry module');
  return [process.execPath, realpathSync(entry)];
}
