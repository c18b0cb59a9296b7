import { readFileSync, readdirSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';

const runMark = 'UNDERSTUDY_RUN';
const stepMark = 'UNDERSTUDY_STEP';

/** Variables that tell the processes of a step from all others, also when they have left their parent. */
export function processMarks({ run, step }: { readonly run: string; readonly step: string }): Record<string, string> {
  return { [runMark]: run, [stepMark]: step };
}

/**
 * Ends what steps of a run left running when our process was killed: a step that is repeated must not meet its former
 * self. `steps` names those steps; what others have started, a server perhaps, goes on. Default: all of them, for a
 * drill. Returns the ended process ids. Only Linux tells; elsewhere nothing is found.
 */
export function endLeftovers(run: string, steps?: readonly string[]): number[] {
  return processIds().filter((pid) => {
    if (pid === process.pid) return false;
    const environment = environmentOf(pid);
    if (!environment.includes(`${runMark}=${run}`)) return false;
    if (steps !== undefined && !steps.some((step) => environment.includes(`${stepMark}=${step}`))) return false;
    return kill(pid);
  });
}

function processIds(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
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
