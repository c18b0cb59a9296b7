import type { Clock } from '../../base/clock.ts';
import { processIds } from '../../base/processes.ts';
import { identifyProcess } from './processIdentity.ts';
import { realPath, workingDirectory } from './processTable.ts';
import { signalGroup } from './terminateGroup.ts';

const waitMs = 10;
const limitMs = 10_000;

/**
 * Kills whatever is left of the server on a data directory, and waits until it is gone. Most children notice the death
 * of their postmaster, but the startup process does not while it waits for a restore_command, and the command never
 * does. They are found by their working directory, so on Linux only; each leads a process group that holds its
 * commands.
 */
export async function killServerFamily(clock: Clock, dataDirectory: string): Promise<void> {
  const deadline = clock.monotonicMs() + limitMs;
  for (;;) {
    const members = serverProcesses(dataDirectory);
    if (members.length === 0 || clock.monotonicMs() > deadline) return;
    for (const pid of members) signalGroup(pid, 'SIGKILL');
    await clock.sleep(waitMs);
  }
}

function serverProcesses(dataDirectory: string): number[] {
  const directory = realPath(dataDirectory);
  if (directory === undefined) return [];
  return processIds().filter(
    (pid) => workingDirectory(pid) === directory && identifyProcess(pid)?.program === 'postgres',
  );
}
