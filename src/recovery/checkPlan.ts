import { approvalKind } from './nextActions.ts';
import { referencesIn, runParameters } from './parameters.ts';
import type { Plan, Step } from './planDocument.ts';
import type { PlanProblem } from './planProblem.ts';
import type { StepKind } from './stepKind.ts';

export interface CheckedAgainst {
  /** The document before values were put in. */
  readonly raw: unknown;
  readonly kinds: readonly StepKind[];
}

/** Finds what the shape of a plan cannot say: ids, needs, cycles, parameters, and what the kinds themselves check. */
export function checkPlan(plan: Plan, { raw, kinds }: CheckedAgainst): PlanProblem[] {
  return [
    ...duplicateIds(plan),
    ...unknownNeeds(plan),
    ...cycles(plan),
    ...wrongReferences(plan, raw, kinds),
    ...wrongParameters(plan),
    ...plan.steps.flatMap((step, index) => stepProblems(step, { index, plan, kinds })),
  ];
}

function duplicateIds({ steps }: Plan): PlanProblem[] {
  return steps.flatMap(({ id }, index) => {
    const first = steps.findIndex((step) => step.id === id);
    if (first === index) return [];
    return [
      { path: ['steps', index, 'id'], message: `step "${id}" is there twice`, hint: 'give each step an id of its own' },
    ];
  });
}

function unknownNeeds({ steps }: Plan): PlanProblem[] {
  const ids = steps.map(({ id }) => id);
  return steps.flatMap((step, index) =>
    step.needs.flatMap((need, position) => {
      if (ids.includes(need)) return [];
      const message = `step "${step.id}" needs "${need}", which is no step`;
      return [{ path: ['steps', index, 'needs', position], message, hint: `steps: ${ids.join(', ')}` }];
    }),
  );
}

/** Each cycle is told once, at its first step. */
function cycles({ steps }: Plan): PlanProblem[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const done = new Set<string>();
  const found: PlanProblem[] = [];
  const visit = (step: Step, way: readonly string[]): void => {
    const start = way.indexOf(step.id);
    if (start >= 0) {
      const circle = [...way.slice(start), step.id];
      const index = steps.findIndex(({ id }) => circle.includes(id));
      found.push({ path: ['steps', index, 'needs'], message: `steps need each other: ${circle.join(' -> ')}` });
      return;
    }
    if (done.has(step.id)) return;
    for (const need of step.needs) {
      const next = byId.get(need);
      if (next !== undefined) visit(next, [...way, step.id]);
    }
    done.add(step.id);
  };
  for (const step of steps) visit(step, []);
  return found;
}

function wrongReferences(plan: Plan, raw: unknown, kinds: readonly StepKind[]): PlanProblem[] {
  const known = [...Object.keys(plan.parameters), ...runParameters];
  const steps = (raw as { readonly steps?: unknown }).steps;
  return referencesIn(steps, ['steps']).flatMap(({ path, name }) => {
    if (!known.includes(name)) {
      const hint = `parameters: ${known.join(', ')}; write $\${${name}} if this is meant literally`;
      return [{ path, message: `there is no parameter "${name}"`, hint }];
    }
    const allowed = kinds.find((kind) => kind.name === plan.steps[Number(path[1])]?.kind)?.secretKeys ?? [];
    if (plan.parameters[name]?.secret !== true || allowed.includes(String(path[2]))) return [];
    const where =
      allowed.length === 0 ? 'no secret can be given to a step of this kind' : `it can: ${allowed.join(', ')}`;
    return [
      { path, message: `secret parameter "${name}" cannot be used here, where others would see it`, hint: where },
    ];
  });
}

function wrongParameters({ parameters }: Plan): PlanProblem[] {
  return Object.entries(parameters).flatMap(([name, { secret, default: preset, example, environment }]) => {
    if (!secret) return [];
    if (preset !== undefined || example !== undefined) {
      const key = preset === undefined ? 'example' : 'default';
      return [{ path: ['parameters', name, key], message: `secret parameter "${name}" is written in clear` }];
    }
    if (environment !== undefined) return [];
    const hint = 'a secret comes from an environment variable and from nowhere else';
    return [{ path: ['parameters', name], message: `secret parameter "${name}" names no environment variable`, hint }];
  });
}

interface StepPlace {
  readonly index: number;
  readonly plan: Plan;
  readonly kinds: readonly StepKind[];
}

function stepProblems(step: Step, { index, plan, kinds }: StepPlace): PlanProblem[] {
  const at = ['steps', index] as const;
  const kind = kinds.find(({ name }) => name === step.kind);
  const problems: PlanProblem[] = (kind?.check?.(step.options) ?? []).map(({ path, message }) => ({
    path: [...at, ...path],
    message: `step "${step.id}": ${message}`,
  }));
  if (step.retries.times > 0 && !step.repeatable) {
    const hint = 'say `repeatable: true` if doing it twice does no harm';
    problems.push({ path: [...at, 'retries'], message: `step "${step.id}" has retries and is not repeatable`, hint });
  }
  if (step.kind === approvalKind && step.timeoutMs !== undefined) {
    const hint = 'leave it out: the time that people need is measured apart';
    problems.push({ path: [...at, 'timeout'], message: `step "${step.id}" waits for a person, without end`, hint });
  }
  if (!step.always && step.needs.some((need) => plan.steps.some(({ id, always }) => id === need && always))) {
    const message = `step "${step.id}" needs a clean-up step, which runs after all others`;
    problems.push({ path: [...at, 'needs'], message });
  }
  return problems;
}
