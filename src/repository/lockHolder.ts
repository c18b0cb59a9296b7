import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from '../base/errors.ts';

/**
 * Which process holds a lock, so exactly that neither a number given out again nor a container can be taken for it.
 * Stock restic writes and reads only host name and number.
 */
export interface LockHolder {
  /** Boot of the machine and namespace of process numbers: numbers of equal places may be compared. */
  readonly place: string;
  /** Start of the process, in the kernel's ticks since boot. */
  readonly started: string;
}

/** Reads proc(5)'s `stat` of a process; throws when there is none, or none for our eyes (hidepid, ProtectProc). */
export type ReadStat = (pid: number) => string;

/** This process; undefined where the system has no /proc. */
export function thisHolder(): LockHolder | undefined {
  const place = thisPlace();
  const started = startOf(process.pid, readProcStat);
  return place === undefined || started === undefined ? undefined : { place, started };
}

/** True when the process is known to be gone; false when it lives or nobody here can tell. */
export function isKnownGone(holder: LockHolder, pid: number, readStat: ReadStat = readProcStat): boolean {
  if (holder.place !== thisPlace()) return false;
  const started = startOf(pid, readStat);
  return started === undefined ? isNobody(pid) : started !== holder.started;
}

/** restic's own test: the host has our name and no process of that number. Unlike restic we send it no signal. */
export function looksGone(host: string, pid: number): boolean {
  return host === hostname() && pid > 0 && isNobody(pid);
}

/** True when there is no process of that number, not even one that may not be looked at. */
function isNobody(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH';
  }
}

function thisPlace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

function readProcStat(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8');
}

/** `ended` for a process of which only the exit status is left; undefined when it is not told. */
function startOf(pid: number, readStat: ReadStat): string | undefined {
  try {
    const stat = readStat(pid);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from field 3, the state, on
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
  } catch {
    return undefined;
  }
}
