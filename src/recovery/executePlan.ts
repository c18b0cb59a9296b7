import type { Context } from '../base/context.ts';
import { OperationError, assert, errorMessage, isOperationError } from '../base/errors.ts';
import { formatDuration } from '../base/duration.ts';
import { Secret } from '../base/secret.ts';
import type { Decision, Inbox } from './decision.ts';
import type { Journal } from './journal.ts';
import type { Mask } from './mask.ts';
import { hasHalted, nextActions, verdictOf } from './nextActions.ts';
import { fillReferences, mapTexts } from './parameters.ts';
import type { Plan, Step } from './planDocument.ts';
import type { JournalEntry, RunEvent, StepError } from './runEvent.ts';
import { advance, stepState, type RunState } from './runState.ts';
import type { StepKind, StepResult } from './stepKind.ts';
import type { OpenOutput } from './stepOutput.ts';
import type { StepServices } from './stepServices.ts';

/** Told of everything that is written into the journal. */
export type RunListener = (entry: JournalEntry, state: RunState) => void;

export interface ExecuteOptions {
  readonly plan: Plan;
  /** What the journal says so far. */
  readonly state: RunState;
  readonly journal: Journal;
  readonly kinds: readonly StepKind[];
  readonly inbox: Inbox;
  readonly services: StepServices;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly mask: Mask;
  readonly output: OpenOutput;
  readonly listener?: RunListener;
}

/**
 * Carries a plan through, or on from where its journal ends. Every event is durable before anything depends on it, so
 * that after a crash at any instant the same call with the journal's state goes on at the step. Resolves with the state
 * at the end, whatever the verdict. Throws the reason of an aborted context; the run can then be taken up again.
 */
export async function executePlan(ctx: Context, options: ExecuteOptions): Promise<RunState> {
  return new Execution(ctx, options).run();
}

class Execution {
  readonly #options: ExecuteOptions;
  readonly #plan: Plan;
  readonly #ctx: Context;
  readonly #stop = new AbortController();
  /** Attempts under way, and pauses before the next one. */
  readonly #tasks = new Map<string, Promise<void>>();
  #state: RunState;

  constructor(ctx: Context, options: ExecuteOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#state = options.state;
    this.#ctx = { ...ctx, signal: AbortSignal.any([ctx.signal, this.#stop.signal]) };
  }

  async run(): Promise<RunState> {
    try {
      while (!(await this.#turn()));
      this.#record({ type: 'ended', verdict: verdictOf(this.#plan, this.#state) });
      return this.#state;
    } finally {
      this.#stop.abort();
      await Promise.allSettled(this.#tasks.values());
    }
  }

  /** Takes decisions in, begins what is due and waits for something to happen; true when the run is over. */
  async #turn(): Promise<boolean> {
    this.#ctx.signal.throwIfAborted();
    const { ask } = nextActions(this.#plan, this.#state);
    for (const { step, why } of ask) this.#record({ type: 'step-waits', step: step.id, why });
    const decisions = this.#options.inbox.peek();
    for (const decision of decisions) this.#decide(decision);
    if (decisions.length > 0) return false; // they may have made something else due to be asked
    const { begin, finished } = nextActions(this.#plan, this.#state);
    for (const step of begin) if (!this.#tasks.has(step.id)) this.#begin(step);
    if (finished) return true;
    const turn = new AbortController();
    const signal = AbortSignal.any([this.#ctx.signal, turn.signal]);
    const arrival = this.#options.inbox.arrival({ ...this.#ctx, signal });
    try {
      await Promise.race([arrival, ...this.#tasks.values()]);
    } finally {
      turn.abort();
      await arrival.catch(() => undefined);
    }
    return false;
  }

  #begin(step: Step): void {
    const attempt = stepState(this.#state, step.id).attempts + 1;
    this.#record({ type: 'step-begun', step: step.id, attempt });
    // one that throws stays, so that the next race in `#turn` is sure to tell
    const task = this.#attempt(step, attempt).then(() => void this.#tasks.delete(step.id));
    task.catch(() => undefined);
    this.#tasks.set(step.id, task);
  }

  async #attempt(step: Step, attempt: number): Promise<void> {
    const { clock } = this.#ctx;
    const beganMs = clock.monotonicMs();
    using output = this.#options.output(step.id, attempt);
    const outcome = await this.#outcome(step, attempt, (line) => output.write(line));
    const ended = {
      step: step.id,
      attempt,
      durationMs: Math.round(clock.monotonicMs() - beganMs),
      outputDigest: output.digest(),
    };
    if ('summary' in outcome) {
      this.#record({ type: 'step-succeeded', ...ended, summary: outcome.summary, facts: outcome.facts ?? {} });
      return;
    }
    const { failures } = stepState(this.#state, step.id); // an attempt that was cut short is none
    const retryInMs = failures >= step.retries.times ? null : retryDelay(step, failures);
    this.#record({ type: 'step-failed', ...ended, error: outcome, retryInMs });
    const follows = step.always || !hasHalted(this.#plan, this.#state);
    if (retryInMs !== null && follows) await clock.sleep(retryInMs, this.#ctx.signal);
  }

  /** What became of an attempt; throws only when the run itself is aborted, or something is wrong with us. */
  async #outcome(step: Step, attempt: number, output: (line: string) => void): Promise<StepResult | StepError> {
    const { kinds, services, secrets } = this.#options;
    const kind = kinds.find(({ name }) => name === step.kind);
    assert(kind !== undefined, 'a plan that was read has steps of known kinds only');
    const { begun } = this.#state;
    try {
      return await withDeadline(this.#ctx, step, (ctx) =>
        kind.run(ctx, plainOptions(step, kind), {
          run: begun.run,
          step: step.id,
          attempt,
          directory: begun.directory,
          fill: (text) => fillSecrets(text, secrets),
          output,
          services,
        }),
      );
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      return stepError(error);
    }
  }

  #decide(decision: Decision): void {
    const { id, action, step, by, reason } = decision;
    if (!this.#state.decisions.has(id)) {
      const refusal = this.#refusal(decision);
      if (refusal !== undefined) this.#record({ type: 'decision-refused', decision: id, by, reason: refusal });
      else this.#record(decisionEvent(action, { decision: id, step: step ?? '', by, reason }));
    }
    this.#options.inbox.remove(decision);
  }

  #refusal({ action, step }: Decision): string | undefined {
    if (action === 'pause') return this.#state.paused === undefined ? undefined : 'the run is paused already';
    if (action === 'continue') return this.#state.paused === undefined ? 'the run is not paused' : undefined;
    if (!this.#plan.steps.some(({ id }) => id === step)) return `there is no step ${step}`;
    const { status, waitsFor } = stepState(this.#state, step ?? '');
    if (action === 'skip') {
      const settled = ['running', 'succeeded', 'failed', 'skipped'].includes(status) || this.#tasks.has(step ?? '');
      return settled ? `step ${step} is ${status}` : undefined;
    }
    if (status !== 'waiting') return `step ${step} waits for nobody`;
    return action === 'decline' && waitsFor === 'interrupted' ? 'approve (repeat it) or skip it' : undefined;
  }

  #record(event: RunEvent): void {
    const entry = { at: this.#ctx.clock.now().toISOString(), ...this.#options.mask.event(event) };
    this.#options.journal.append(entry);
    this.#state = advance(this.#state, entry);
    this.#options.listener?.(entry, this.#state);
  }
}

function decisionEvent(
  action: Decision['action'],
  parts: { readonly decision: string; readonly step: string; readonly by: string; readonly reason: string },
): RunEvent {
  const { step: _, ...wholeRun } = parts;
  switch (action) {
    case 'approve':
      return { type: 'step-approved', ...parts };
    case 'decline':
      return { type: 'step-declined', ...parts };
    case 'skip':
      return { type: 'step-skipped', ...parts };
    case 'pause':
      return { type: 'paused', ...wholeRun };
    case 'continue':
      return { type: 'continued', ...wholeRun };
  }
}

/** Gives the work a context that is aborted when the step's time is up. */
async function withDeadline<T>(ctx: Context, step: Step, work: (ctx: Context) => Promise<T>): Promise<T> {
  const { timeoutMs } = step;
  if (timeoutMs === undefined) return work(ctx);
  const late = new OperationError('step-failed', `step ${step.id} ran longer than ${formatDuration(timeoutMs)}`, {
    hint: 'see its output, or give it a longer `timeout`',
  });
  const deadline = new AbortController();
  const over = new AbortController();
  ctx.clock.sleep(timeoutMs, AbortSignal.any([ctx.signal, over.signal])).then(
    () => deadline.abort(late),
    () => undefined,
  );
  try {
    return await work({ ...ctx, signal: AbortSignal.any([ctx.signal, deadline.signal]) });
  } finally {
    over.abort();
  }
}

function retryDelay({ retries }: Step, failures: number): number {
  return Math.min(retries.longestDelayMs, retries.delayMs * 2 ** failures);
}

function stepError(error: unknown): StepError {
  if (!isOperationError(error)) {
    return { code: 'internal', message: errorMessage(error), hint: 'this is a defect of understudy; please report it' };
  }
  return { code: error.code, message: error.message, hint: error.hint ?? null };
}

/** Texts that hold no secret are ready for use; the others are filled by the kind, at the moment of use. */
function plainOptions({ options }: Step, { secretKeys }: StepKind): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      secretKeys.includes(key) ? value : mapTexts(value, (text) => fillReferences(text, new Map())),
    ]),
  );
}

function fillSecrets(text: string, secrets: ReadonlyMap<string, Secret>): Secret {
  const values = new Map([...secrets].map(([name, secret]) => [name, secret.reveal()]));
  return new Secret(fillReferences(text, values));
}
