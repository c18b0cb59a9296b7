import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { listProcessIds, processTimes } from './cpuTime.ts';

const intervalMs = 50;
const patienceMs = 10_000;

interface Watched {
  readonly startTicks: number;
  parent: number;
  cpuSeconds: number;
}

/**
 * Watches every process of one measured run: children of this process and their descendants, also those that left
 * their parent, as daemons do (known by `name=value` in their environment). What ended between two looks is not seen;
 * its time is in its parent's.
 */
export class ProcessWatch implements Disposable {
  readonly #marker: string;
  readonly #watched = new Map<number, Watched>();
  /** Processes known not to belong here: pid to start time. */
  readonly #foreign = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #orphanSeconds = 0;
  #peakRssBytes = 0;

  /** What lives already is no part of the run. */
  constructor(marker: string) {
    this.#marker = marker;
    for (const pid of listProcessIds()) {
      const times = processTimes(pid);
      if (times !== undefined) this.#foreign.set(pid, times.startTicks);
    }
    this.#timer = setInterval(() => this.#look(), intervalMs);
  }

  /** Most memory that all processes of the run held at once, or that one of them ever held. */
  get peakRssBytes(): number {
    return this.#peakRssBytes;
  }

  /** Ends the watch; CPU seconds of processes of the run that this process has not waited for. */
  finish(): number {
    this.#look();
    clearInterval(this.#timer);
    const alive = [...this.#watched.values()].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return alive + this.#orphanSeconds;
  }

  /** Ends what is still alive, e.g. a daemon that waits for more to do. */
  async endLeftovers(): Promise<void> {
    const alive = () => {
      this.#look();
      return [...this.#watched.keys()];
    };
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const pid of alive()) tryToSignal(pid, signal);
      const end = performance.now() + patienceMs;
      while (alive().length > 0 && performance.now() < end) await delay(intervalMs);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const seen = new Set<number>();
    let rssBytes = 0;
    for (const pid of listProcessIds()) {
      const times = processTimes(pid);
      if (times === undefined || !this.#belongs(times)) continue;
      seen.add(pid);
      const cpuSeconds = times.ownSeconds + times.childrenSeconds;
      this.#watched.set(pid, { startTicks: times.startTicks, parent: times.parent, cpuSeconds });
      const memory = memoryOf(pid);
      rssBytes += memory.nowBytes;
      this.#peakRssBytes = Math.max(this.#peakRssBytes, memory.peakBytes);
    }
    this.#peakRssBytes = Math.max(this.#peakRssBytes, rssBytes);
    this.#forget(seen);
  }

  #belongs({ pid, parent, startTicks }: { pid: number; parent: number; startTicks: number }): boolean {
    if (this.#watched.get(pid)?.startTicks === startTicks) return true;
    if (this.#foreign.get(pid) === startTicks) return false;
    const belongs = parent === process.pid || this.#watched.has(parent) || environmentHolds(pid, this.#marker);
    if (!belongs) this.#foreign.set(pid, startTicks);
    return belongs;
  }

  /** The time of a process that ended is in its parent's, unless that is no part of the run. */
  #forget(seen: ReadonlySet<number>): void {
    for (const [pid, { parent, cpuSeconds }] of this.#watched) {
      if (seen.has(pid)) continue;
      this.#watched.delete(pid);
      if (parent !== process.pid && !this.#watched.has(parent)) this.#orphanSeconds += cpuSeconds;
    }
  }
}

function memoryOf(pid: number): { nowBytes: number; peakBytes: number } {
  const status = readProc(pid, 'status');
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { nowBytes: kibibytes('VmRSS') * 1024, peakBytes: kibibytes('VmHWM') * 1024 };
}

function environmentHolds(pid: number, marker: string): boolean {
  return readProc(pid, 'environ').split('\0').includes(marker);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function tryToSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended
  }
}
