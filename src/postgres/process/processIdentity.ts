import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** A process that cannot be confused with a later one that got the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque: when it was started, exact enough to tell two apart. */
  readonly startedAt: string;
  /** Name of the program that it runs now. */
  readonly program: string;
}

/** Who a process id is now; undefined when there is no such process, or it is a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  return existsSync('/proc/self/stat') ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const nameEnd = stat.lastIndexOf(')'); // the name may itself hold parentheses and spaces
    const fields = stat.slice(nameEnd + 2).split(' '); // proc(5): field 3, the state, and on; 22 is the start time
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startedAt: `${boot}:${fields[19]}`, program: stat.slice(stat.indexOf('(') + 1, nameEnd) };
  } catch {
    return undefined; // no such process
  }
}

function fromPs(pid: number): ProcessIdentity | undefined {
  try {
    const output = execFileSync('ps', ['-o', 'lstart=,ucomm=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const words = output.split(/\s+/);
    return { pid, startedAt: words.slice(0, 5).join(' '), program: words.slice(5).join(' ') };
  } catch {
    return undefined; // ps fails when there is no such process
  }
}
