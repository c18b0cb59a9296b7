import type { StepEvidence } from '../evidenceSchema.ts';
import type { Plan, Step } from '../planDocument.ts';
import { stepState, type RunState, type StepDecision } from '../runState.ts';

export const restoreKinds: readonly string[] = [
  'restore-cluster',
  'restore-database',
  'restore-table',
  'restore-files',
];

export function stepEvidence(step: Step, run: RunState): StepEvidence {
  const state = stepState(run, step.id);
  return {
    id: step.id,
    title: step.title,
    kind: step.kind,
    critical: step.critical,
    owner: step.owner ?? null,
    planned: {
      after: [...step.needs],
      timeoutSeconds: step.timeoutMs === undefined ? null : step.timeoutMs / 1000,
      attempts: step.retries.times + 1,
    },
    status: step.when ? state.status : 'left out',
    actor: state.decision?.by ?? (state.begunAt === undefined ? null : run.begun.by),
    begunAt: state.begunAt ?? null,
    endedAt: state.endedAt ?? null,
    attempts: state.attempts,
    machineSeconds: state.machineMs / 1000,
    humanSeconds: state.humanMs / 1000,
    summary: state.summary ?? null,
    facts: { ...state.facts },
    error: state.error ?? null,
    decision: state.decision === undefined ? null : decisionOf(state.decision),
    outputDigests: [...state.outputDigests],
  };
}

/** What was not carried out, and why. */
export function stepsNotRun(steps: readonly StepEvidence[]) {
  return steps
    .filter(({ status }) => !['succeeded', 'failed'].includes(status))
    .map(({ id, title, status, decision }) => ({ id, title, reason: notRunReason(status, decision) }));
}

/** The steps of these kinds that succeeded. */
export function succeeded({ steps }: Plan, run: RunState, kinds: readonly string[]): Step[] {
  return steps.filter(({ id, kind }) => kinds.includes(kind) && stepState(run, id).status === 'succeeded');
}

function decisionOf({ by, at, reason }: StepDecision): StepDecision {
  return { by, at, reason };
}

function notRunReason(status: string, decision: StepDecision | null): string {
  if (status === 'skipped') return `left out by ${decision?.by}: ${decision?.reason}`;
  return status === 'left out' ? 'the plan leaves it out under these parameters' : 'the run ended before it was due';
}
