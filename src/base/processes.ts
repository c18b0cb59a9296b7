import { readFileSync, readdirSync } from 'node:fs';
import { systemErrorCode } from './errors.ts';

/** Ids of all processes that can be seen; none where there is no /proc. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Kills every process but ourselves that was started with such an environment (`NAME=value`), whoever its parent is by
 * now. Returns the ids of the ended ones. Only Linux tells environments; elsewhere nothing is found.
 */
export function killByEnvironment(isMeant: (environment: readonly string[]) => boolean): number[] {
  return processIds().filter((pid) => pid !== process.pid && isMeant(environmentOf(pid)) && kill(pid));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it has ended, or belongs to somebody else
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH' || systemErrorCode(error) === 'EPERM') return false;
    throw error;
  }
}
