import type { Facts, JournalEntry, RunBegun, RunVerdict, StepError } from './runEvent.ts';

/**
 * `ready`: a person said that it be done now. `retrying`: failed, and another attempt follows. `interrupted`: was under
 * way when the process died. `waiting`: for a person.
 */
export type StepStatus =
  'pending' | 'ready' | 'running' | 'retrying' | 'interrupted' | 'waiting' | 'succeeded' | 'failed' | 'skipped';

/** Who decided something about a step, and why. */
export interface StepDecision {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

export interface StepState {
  readonly status: StepStatus;
  readonly attempts: number;
  /** Attempts that failed; the others succeeded, run, or were cut short. */
  readonly failures: number;
  readonly begunAt: string | undefined;
  readonly endedAt: string | undefined;
  /** Of all attempts that ended. */
  readonly machineMs: number;
  readonly humanMs: number;
  readonly waitsFor: 'approval' | 'interrupted' | undefined;
  readonly waitingSince: string | undefined;
  readonly summary: string | undefined;
  readonly facts: Facts;
  readonly outputDigests: readonly string[];
  readonly error: StepError | undefined;
  readonly decision: StepDecision | undefined;
}

/** Everything that the journal says, folded. */
export interface RunState {
  readonly begun: RunBegun & { readonly at: string };
  readonly steps: ReadonlyMap<string, StepState>;
  readonly paused: StepDecision | undefined;
  /** Ids of decisions that were taken in. */
  readonly decisions: ReadonlySet<string>;
  readonly verdict: RunVerdict | undefined;
  readonly endedAt: string | undefined;
  readonly lastAt: string;
  /** How often another process had to take the run up. */
  readonly resumptions: number;
}

const untouched: StepState = {
  status: 'pending',
  attempts: 0,
  failures: 0,
  begunAt: undefined,
  endedAt: undefined,
  machineMs: 0,
  humanMs: 0,
  waitsFor: undefined,
  waitingSince: undefined,
  summary: undefined,
  facts: {},
  outputDigests: [],
  error: undefined,
  decision: undefined,
};

/** The state of a step; one that nothing happened to is pending. */
export function stepState(state: RunState, step: string): StepState {
  return state.steps.get(step) ?? untouched;
}

/** The state after the first event of a journal. */
export function initialState(begun: RunBegun & { readonly at: string }): RunState {
  return {
    begun,
    steps: new Map(),
    paused: undefined,
    decisions: new Set(),
    verdict: undefined,
    endedAt: undefined,
    lastAt: begun.at,
    resumptions: 0,
  };
}

/** The state after one more event. */
export function advance(state: RunState, entry: JournalEntry): RunState {
  const next = { ...state, lastAt: entry.at };
  switch (entry.type) {
    case 'begun':
    case 'decision-refused':
      return 'decision' in entry ? decided(next, entry.decision) : next;
    case 'attached':
      return { ...next, resumptions: state.resumptions + 1, steps: cutShort(state) };
    case 'paused':
      return { ...decided(next, entry.decision), paused: entry };
    case 'continued':
      return { ...decided(next, entry.decision), paused: undefined };
    case 'ended':
      return { ...next, verdict: entry.verdict, endedAt: entry.at };
    default: {
      const step = advanceStep(stepState(state, entry.step), entry);
      const steps = new Map(state.steps).set(entry.step, step);
      return 'decision' in entry ? { ...decided(next, entry.decision), steps } : { ...next, steps };
    }
  }
}

type StepEntry = Extract<JournalEntry, { readonly step: string }>;

function advanceStep(step: StepState, entry: StepEntry): StepState {
  switch (entry.type) {
    case 'step-begun':
      return { ...step, status: 'running', attempts: entry.attempt, begunAt: step.begunAt ?? entry.at };
    case 'step-succeeded':
      return {
        ...ended(step, entry),
        status: 'succeeded',
        summary: entry.summary,
        facts: entry.facts,
        error: undefined,
      };
    case 'step-failed':
      return {
        ...ended(step, entry),
        status: entry.retryInMs === null ? 'failed' : 'retrying',
        failures: step.failures + 1,
        error: entry.error,
      };
    case 'step-waits':
      return {
        ...step,
        status: 'waiting',
        waitsFor: entry.why,
        waitingSince: entry.at,
        begunAt: step.begunAt ?? entry.at,
      };
    case 'step-approved':
      if (step.waitsFor === 'interrupted') return { ...answered(step, entry), status: 'ready' };
      return { ...answered(step, entry), status: 'succeeded', summary: `approved by ${entry.by}`, endedAt: entry.at };
    case 'step-declined': {
      const error = { code: 'step-declined', message: `declined by ${entry.by}: ${entry.reason}`, hint: null };
      return { ...answered(step, entry), status: 'failed', error, endedAt: entry.at };
    }
    case 'step-skipped':
      return { ...answered(step, entry), status: 'skipped', endedAt: entry.at };
  }
}

function ended(step: StepState, entry: Extract<StepEntry, { readonly durationMs: number }>): StepState {
  const digest = entry.outputDigest;
  return {
    ...step,
    endedAt: entry.at,
    machineMs: step.machineMs + entry.durationMs,
    outputDigests: digest === null ? step.outputDigests : [...step.outputDigests, digest],
  };
}

function answered(step: StepState, { by, at, reason }: StepDecision): StepState {
  const waitedMs = step.waitingSince === undefined ? 0 : Date.parse(at) - Date.parse(step.waitingSince);
  return {
    ...step,
    humanMs: step.humanMs + waitedMs,
    waitsFor: undefined,
    waitingSince: undefined,
    decision: { by, at, reason },
  };
}

/** What was under way is interrupted, and who was asked is asked again. */
function cutShort({ steps, lastAt }: RunState): Map<string, StepState> {
  return new Map(
    [...steps].map(([id, step]) => {
      if (step.status === 'running') return [id, { ...step, status: 'interrupted' }];
      if (step.status !== 'waiting') return [id, step];
      const status = step.waitsFor === 'interrupted' ? 'interrupted' : 'pending';
      const humanMs = step.humanMs + Date.parse(lastAt) - Date.parse(step.waitingSince ?? lastAt);
      return [id, { ...step, status, humanMs, waitsFor: undefined, waitingSince: undefined }];
    }),
  );
}

function decided(state: RunState, decision: string): RunState {
  return { ...state, decisions: new Set([...state.decisions, decision]) };
}
