import type { Plan, Step } from './planDocument.ts';
import type { RunVerdict } from './runEvent.ts';
import { stepState, type RunState, type StepStatus } from './runState.ts';

/** What the engine does next. */
export interface NextActions {
  readonly begin: readonly Step[];
  readonly ask: readonly { readonly step: Step; readonly why: 'approval' | 'interrupted' }[];
  /** Nothing runs, nothing waits and nothing is left to begin. */
  readonly finished: boolean;
}

/** Name of the kind that is a question to a person, which the engine asks itself. */
export const approvalKind = 'approve';

/**
 * Decides from plan and state alone. A step begins when its needs are over (done, or failed without being critical; of
 * one that is skipped or left out, its own needs). Once a critical step has failed only clean-up steps begin; those
 * come when all else is over.
 */
export function nextActions(plan: Plan, state: RunState): NextActions {
  const halted = hasHalted(plan, state);
  const ordinary = plan.steps.filter((step) => step.when && !step.always);
  const cleanUp = plan.steps.filter((step) => step.when && step.always);
  const ordinaryOver = ordinary.every((step) => isOver(stepState(state, step.id).status, halted));
  const due = [...(halted ? [] : ordinary), ...(ordinaryOver ? cleanUp : [])];
  const startable = due.filter((step) => isStartable(step, plan, state));
  const most = state.paused === undefined ? plan.parallel : 0; // people are asked meanwhile all the same
  const free = most - plan.steps.filter(({ id }) => stepState(state, id).status === 'running').length;
  const asked = startable.flatMap((step) => {
    const why = question(step, stepState(state, step.id).status);
    return why === undefined ? [] : [{ step, why }];
  });
  const begin = startable.filter((step) => !asked.some((one) => one.step === step)).slice(0, Math.max(0, free));
  const over = ordinaryOver && cleanUp.every((step) => isOver(stepState(state, step.id).status, false));
  return { begin, ask: asked, finished: over };
}

/** Whether a critical step has failed. */
export function hasHalted(plan: Plan, state: RunState): boolean {
  return plan.steps.some((step) => step.critical && !step.always && stepState(state, step.id).status === 'failed');
}

/** How a finished run is judged. */
export function verdictOf(plan: Plan, state: RunState): RunVerdict {
  if (hasHalted(plan, state)) return 'failed';
  const flawed = plan.steps.some(({ id }) => ['failed', 'skipped'].includes(stepState(state, id).status));
  return flawed ? 'warned' : 'passed';
}

const startableStatus: readonly StepStatus[] = ['pending', 'ready', 'retrying', 'interrupted'];

function isStartable(step: Step, plan: Plan, state: RunState): boolean {
  return startableStatus.includes(stepState(state, step.id).status) && needsAreMet(step, plan, state);
}

function needsAreMet(step: Step, plan: Plan, state: RunState): boolean {
  return step.needs.every((need) => {
    const needed = plan.steps.find(({ id }) => id === need);
    if (needed === undefined) return true;
    // clean-up waits for the end of what it needs, however it ended; that all else is over is checked already
    if (step.always && !needed.always) return true;
    const { status } = stepState(state, need);
    // who leaves a step out does not answer for what comes before it, an approval perhaps
    if (!needed.when || status === 'skipped') return needsAreMet(needed, plan, state);
    return step.always ? isOver(status, false) : status === 'succeeded' || (status === 'failed' && !needed.critical);
  });
}

function question(step: Step, status: StepStatus): 'approval' | 'interrupted' | undefined {
  if (step.kind === approvalKind) return 'approval';
  return status === 'interrupted' && !step.repeatable ? 'interrupted' : undefined;
}

/** After a halt, what has not begun never will, and nobody waits for an answer any more. */
function isOver(status: StepStatus, halted: boolean): boolean {
  if (halted) return status !== 'running';
  return status === 'succeeded' || status === 'failed' || status === 'skipped';
}
