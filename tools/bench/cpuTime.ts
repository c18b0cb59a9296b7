import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Clock ticks of /proc, USER_HZ: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const quietShare = 0.08;
const windowMs = 500;

/** Seconds that all cores of the machine have worked since boot; stolen time counts, idle and waiting do not. */
export function machineBusySeconds(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

/** One line of /proc/<pid>/stat, as far as it is needed here; undefined when the process is gone. */
export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly startTicks: number;
  /** Of the process itself. */
  readonly ownSeconds: number;
  /** Of its children that ended and that it waited for. */
  readonly childrenSeconds: number;
}

export function processTimes(pid: number): ProcessTimes | undefined {
  let line;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = (index: number) => Number(fields[index]);
  return {
    pid,
    parent: ticks(1),
    startTicks: ticks(19),
    ownSeconds: (ticks(11) + ticks(12)) / ticksPerSecond,
    childrenSeconds: (ticks(13) + ticks(14)) / ticksPerSecond,
  };
}

export function listProcessIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** CPU seconds of a process, its living children and those it has waited for: of a server, for all its backends. */
export function familySeconds(pid: number): number {
  const members = listProcessIds().flatMap((each) => processTimes(each) ?? []);
  return members
    .filter((member) => member.pid === pid || member.parent === pid)
    .reduce((sum, { ownSeconds, childrenSeconds }) => sum + ownSeconds + childrenSeconds, 0);
}

/** Waits until the machine is less than 8 % busy for half a second; gives up waiting after `timeoutMs`. */
export async function waitUntilQuiet(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const [busyBefore, started] = [machineBusySeconds(), performance.now()];
    await delay(windowMs, undefined, { signal });
    if (shareOfMachine(machineBusySeconds() - busyBefore, performance.now() - started) < quietShare) return true;
  }
  return false;
}

/** CPU seconds within a span of time, as a share of what all cores could have done. */
export function shareOfMachine(cpuSeconds: number, spanMs: number): number {
  return cpuSeconds / ((spanMs / 1000) * availableParallelism());
}
