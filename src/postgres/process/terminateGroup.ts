import type { Clock } from '../../base/clock.ts';
import { systemErrorCode } from '../../base/errors.ts';

interface Terminable {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  readonly hasExited: () => boolean;
}

/**
 * Ends a child that leads a process group, and everything in the group: SIGTERM, then SIGKILL after `graceMs`.
 * Resolves when the child is gone; members of the group that outlive it get SIGKILL too.
 */
export async function terminateGroup(clock: Clock, child: Terminable, graceMs: number): Promise<void> {
  if (child.hasExited()) return;
  signalGroup(child.pid, 'SIGTERM');
  const graceOver = new AbortController();
  await Promise.race([child.exited, clock.sleep(graceMs, graceOver.signal).catch(() => undefined)]);
  graceOver.abort();
  signalGroup(child.pid, 'SIGKILL');
  await child.exited;
}

/** Signals a process group; a group that is already gone is no error. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leaderPid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
