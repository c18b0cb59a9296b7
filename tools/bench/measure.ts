import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type Command, runCommand, startCommand } from './command.ts';
import { familySeconds, machineBusySeconds, processTimes, shareOfMachine, waitUntilQuiet } from './cpuTime.ts';
import { readIntoCache } from './fileTree.ts';
import { ProcessWatch } from './processWatch.ts';

/** What one run of one tool cost. */
export interface Sample {
  readonly wallMs: number;
  /** Of the tool's processes, all cores. */
  readonly cpuSeconds: number;
  /** Of everything that is neither the tool, the server nor this program, as a share of the machine. */
  readonly foreignShare: number;
  readonly peakRssBytes: number;
}

/** Runs a command as part of what is measured; resolves with its output when it has ended well. */
export type Run = (command: Command) => Promise<string>;

/** Starts a command as part of what is measured; it is ended after the clock has stopped. */
export type Start = (command: Command) => ChildProcess;

/** What is measured: commands, and whatever stands between them. */
export type Work = (run: Run, start: Start) => Promise<void>;

export interface Surroundings {
  readonly signal: AbortSignal;
  /** Trees that are read into the page cache first. */
  readonly sources: readonly string[];
  /** Servers that belong to the case, not to the tool. */
  readonly serverProcessIds: readonly number[];
  readonly quietTimeoutMs: number;
}

const markerName = 'UNDERSTUDY_BENCH_RUN';

/** Prepares the machine, does the work once and says what it cost. */
export async function measure(work: Work, surroundings: Surroundings): Promise<Sample> {
  const { signal, serverProcessIds } = surroundings;
  for (const source of surroundings.sources) readIntoCache(source);
  await runCommand(signal, { words: ['sync'] });
  await waitUntilQuiet(signal, surroundings.quietTimeoutMs);

  return perform(work, signal, (watch) => {
    const before = readClocks(serverProcessIds);
    return () => sampleBetween(before, readClocks(serverProcessIds), watch);
  });
}

/** Does the work once, unmeasured; what it leaves running is ended. */
export async function performOnce(work: Work, signal: AbortSignal): Promise<void> {
  await perform(work, signal, () => () => undefined);
}

async function perform<T>(work: Work, signal: AbortSignal, startClock: (watch: ProcessWatch) => () => T): Promise<T> {
  const marker = randomBytes(8).toString('hex');
  using watch = new ProcessWatch(`${markerName}=${marker}`);
  const marked = (command: Command): Command => ({
    ...command,
    environment: { ...command.environment, [markerName]: marker },
  });
  try {
    const stopClock = startClock(watch);
    await work(
      (command) => runCommand(signal, marked(command)),
      (command) => startCommand(marked(command)),
    );
    return stopClock();
  } finally {
    await watch.endLeftovers();
  }
}

function sampleBetween(before: Clocks, after: Clocks, watch: ProcessWatch): Sample {
  const wallMs = after.nowMs - before.nowMs;
  const cpuSeconds = after.childrenSeconds - before.childrenSeconds + watch.finish();
  const known = cpuSeconds + (after.knownSeconds - before.knownSeconds);
  const foreignSeconds = Math.max(0, after.busySeconds - before.busySeconds - known);
  return { wallMs, cpuSeconds, foreignShare: shareOfMachine(foreignSeconds, wallMs), peakRssBytes: watch.peakRssBytes };
}

interface Clocks {
  readonly nowMs: number;
  readonly busySeconds: number;
  /** Of the commands that have ended. */
  readonly childrenSeconds: number;
  /** Of this program and the servers. */
  readonly knownSeconds: number;
}

function readClocks(serverProcessIds: readonly number[]): Clocks {
  const self = processTimes(process.pid);
  return {
    nowMs: performance.now(),
    busySeconds: machineBusySeconds(),
    childrenSeconds: self?.childrenSeconds ?? 0,
    knownSeconds: serverProcessIds.reduce((sum, pid) => sum + familySeconds(pid), self?.ownSeconds ?? 0),
  };
}
