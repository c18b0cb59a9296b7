import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the last line of postmaster.pid says (pidfile.h). `ready`: connections are accepted, in a hot standby too;
 * `standby`: recovers with hot_standby = off and accepts none.
 */
export type PostmasterStatus = 'starting' | 'stopping' | 'ready' | 'standby';

const statuses: readonly PostmasterStatus[] = ['starting', 'stopping', 'ready', 'standby'];
const statusLine = 7;

/** The status that the server with this pid reports in its data directory; undefined while it has not yet. */
export function postmasterStatus(dataDirectory: string, pid: number): PostmasterStatus | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined; // not written yet, or removed again
  }
  if (lines[0] !== String(pid)) return undefined; // a file that came with the copied directory
  const word = lines[statusLine]?.trim();
  return statuses.find((status) => status === word);
}
