import type { JournalEntry } from './runEvent.ts';
import { advance, initialState, type RunState } from './runState.ts';

/** Clocks that are kept right go back by less. */
const slightMs = 1000;

/** Where the time of a run went. The three parts add up to the total. */
export interface RunTiming {
  readonly totalMs: number;
  /** Something ran. */
  readonly machineMs: number;
  /** Nothing ran, because a person was asked or had paused the run. */
  readonly humanMs: number;
  /** Our process was gone: from the last entry before that to the moment in which the run was taken up. */
  readonly interruptedMs: number;
  /** How far the clock was set back meanwhile, as far as it shows; then no time can be trusted. */
  readonly setBackMs: number;
}

/** Measures a run from its journal, up to the last entry. */
export function measureRun(entries: readonly JournalEntry[]): RunTiming {
  const [first, ...rest] = entries;
  let [machineMs, humanMs, interruptedMs, setBackMs] = [0, 0, 0, 0];
  if (first?.type !== 'begun') return { totalMs: 0, machineMs, humanMs, interruptedMs, setBackMs };
  let state = initialState(first);
  for (const entry of rest) {
    const ms = Date.parse(entry.at) - Date.parse(state.lastAt);
    if (ms < 0) setBackMs += ms < -slightMs ? -ms : 0;
    else if (entry.type === 'attached') interruptedMs += ms;
    else if (waitsForPeople(state)) humanMs += ms;
    else machineMs += ms;
    state = advance(state, entry);
  }
  return { totalMs: machineMs + humanMs + interruptedMs, machineMs, humanMs, interruptedMs, setBackMs };
}

function waitsForPeople({ steps, paused }: RunState): boolean {
  const statuses = [...steps.values()].map(({ status }) => status);
  if (statuses.includes('running') || statuses.includes('retrying')) return false;
  return paused !== undefined || statuses.includes('waiting');
}
