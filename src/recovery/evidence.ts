import type { Plan, Step } from './planDocument.ts';
import type { LoadedRun } from './runDirectory.ts';
import type { Facts, StepError } from './runEvent.ts';
import { stepState, type RunState, type StepDecision } from './runState.ts';
import { measureRun } from './timing.ts';

/** Somebody to call, as the configuration names them. */
export interface Contact {
  readonly name: string;
  readonly role: string;
  readonly phone: string | null;
  readonly email: string | null;
}

/** What was carried out, when, by whom and with which result. Every field is there; null where nothing is known. */
export type Evidence = ReturnType<typeof composeEvidence>;

/** A finding that somebody has to see to. */
export interface Deviation {
  readonly step: string | null;
  readonly finding: string;
  readonly severity: 'major' | 'minor';
  readonly owner: string | null;
  /** Day, `2026-12-06`. */
  readonly dueDate: string;
}

/** A step as the evidence tells it. */
export interface StepEvidence {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly critical: boolean;
  readonly owner: string | null;
  readonly status: string;
  readonly begunAt: string | null;
  readonly endedAt: string | null;
  readonly attempts: number;
  readonly machineSeconds: number;
  readonly humanSeconds: number;
  readonly summary: string | null;
  readonly facts: Facts;
  readonly error: StepError | null;
  readonly decision: StepDecision | null;
  /** SHA-256 of what each attempt printed, secrets removed. */
  readonly outputDigests: readonly string[];
}

const majorDueDays = 14;
const minorDueDays = 30;
const dayMs = 86_400_000;
const restoreKinds = ['restore-cluster', 'restore-database', 'restore-table', 'restore-files'];

/** Composes the evidence of a run from its journal alone, so that it can be made again at any time. */
export function composeEvidence({ places, content, state, plan }: LoadedRun, contacts: readonly Contact[]) {
  const { begun } = state;
  const timing = measureRun(content.entries);
  const backups = usedBackups(plan, state);
  const result = { ...judge(plan, state, timing.totalMs), ...recoveryPoint(plan, begun.at, backups) };
  const steps = plan.steps.map((step) => stepEvidence(step, state));
  return {
    format: 1,
    report: {
      id: places.id,
      type: begun.drill ? 'drill' : 'recovery',
      product: 'understudy',
      version: begun.programVersion,
      host: begun.host,
      generatedAt: state.endedAt ?? state.lastAt,
    },
    authority: {
      plan: { name: plan.name, version: plan.version, digest: begun.planDigest, description: plan.description },
      planOwner: plan.owner ?? null,
      startedBy: begun.by,
      decisions: decisions(content.entries),
    },
    objective: { rtoSeconds: seconds(plan.objective.rtoMs), rpoSeconds: seconds(plan.objective.rpoMs) },
    backups,
    target: {
      directory: begun.directory,
      isolation: isolation(plan, state),
    },
    timeline: { begunAt: begun.at, endedAt: state.endedAt ?? null, resumptions: state.resumptions, steps },
    result: {
      ...result,
      totalSeconds: timing.totalMs / 1000,
      machineSeconds: timing.machineMs / 1000,
      humanSeconds: timing.humanMs / 1000,
      interruptedSeconds: timing.interruptedMs / 1000,
    },
    stepsNotRun: steps
      .filter(({ status }) => !['succeeded', 'failed'].includes(status))
      .map(({ id, title, status, decision }) => ({ id, title, reason: notRunReason(status, decision) })),
    deviations: deviations(plan, state, result),
    contacts,
  };
}

function stepEvidence(step: Step, run: RunState): StepEvidence {
  const state = stepState(run, step.id);
  return {
    id: step.id,
    title: step.title,
    kind: step.kind,
    critical: step.critical,
    owner: step.owner ?? null,
    status: step.when ? state.status : 'left out',
    begunAt: state.begunAt ?? null,
    endedAt: state.endedAt ?? null,
    attempts: state.attempts,
    machineSeconds: state.machineMs / 1000,
    humanSeconds: state.humanMs / 1000,
    summary: state.summary ?? null,
    facts: state.facts,
    error: state.error ?? null,
    decision: state.decision ?? null,
    outputDigests: state.outputDigests,
  };
}

/** What the steps restored, in the words of those steps. */
function usedBackups(plan: Plan, run: RunState) {
  return plan.steps
    .filter(({ kind, id }) => restoreKinds.includes(kind) && stepState(run, id).status === 'succeeded')
    .map(({ id, kind }) => ({ step: id, kind, ...stepState(run, id).facts }));
}

function judge({ objective }: Plan, { verdict }: RunState, totalMs: number) {
  const { rtoMs } = objective;
  return {
    verdict: verdict ?? 'not finished',
    rtoMet: verdict === undefined || rtoMs === undefined ? null : verdict !== 'failed' && totalMs <= rtoMs,
  };
}

/** The oldest point that was reached counts: the system is as old as its oldest part. */
function recoveryPoint({ objective: { rpoMs } }: Plan, begunAt: string, backups: readonly object[]) {
  const points = backups.flatMap((backup) => {
    const at: unknown = Reflect.get(backup, 'consistentAt');
    const ms = typeof at === 'string' ? Date.parse(at) : Number.NaN;
    return Number.isNaN(ms) ? [] : [ms];
  });
  if (points.length === 0) return { recoveredTo: null, dataLossSeconds: null, rpoMet: null };
  const oldest = Math.min(...points);
  const lossMs = Math.max(0, Date.parse(begunAt) - oldest);
  return {
    recoveredTo: new Date(oldest).toISOString(),
    dataLossSeconds: lossMs / 1000,
    rpoMet: rpoMs === undefined ? null : lossMs <= rpoMs,
  };
}

interface Result {
  readonly rtoMet: boolean | null;
  readonly rpoMet: boolean | null;
}

function deviations(plan: Plan, run: RunState, { rtoMet, rpoMet }: Result): Deviation[] {
  const endMs = Date.parse(run.endedAt ?? run.lastAt);
  const due = (days: number): string => new Date(endMs + days * dayMs).toISOString().slice(0, 10);
  const owner = plan.owner ?? null;
  const found: Deviation[] = plan.steps.flatMap((step) => {
    const reason = findingOf(step, run);
    if (reason === undefined) return [];
    const finding = `${step.title}: ${reason}`;
    const severity = step.critical ? 'major' : 'minor';
    const dueDate = due(severity === 'major' ? majorDueDays : minorDueDays);
    return [{ step: step.id, finding, severity, owner: step.owner ?? owner, dueDate }];
  });
  for (const [met, finding] of [
    // a recovery that failed has a step that says so
    [run.verdict === 'failed' ? null : rtoMet, 'the recovery took longer than its objective allows'],
    [rpoMet, 'more was lost than its objective allows'],
  ] as const) {
    if (met === false) found.push({ step: null, finding, severity: 'major', owner, dueDate: due(majorDueDays) });
  }
  return found;
}

function findingOf({ id }: Step, run: RunState): string | undefined {
  const { status, error, decision, facts } = stepState(run, id);
  if (status === 'failed') return error?.message ?? 'failed';
  if (status === 'skipped') return `left out by ${decision?.by}: ${decision?.reason}`;
  const { flaw } = facts;
  return typeof flaw === 'string' ? `what was restored is no whole backup: ${flaw}` : undefined;
}

function decisions(entries: LoadedRun['content']['entries']) {
  return entries.flatMap((entry) => {
    if (!('decision' in entry)) return [];
    const step = 'step' in entry ? entry.step : null;
    return [{ at: entry.at, by: entry.by, decided: entry.type.replace('step-', ''), step, reason: entry.reason }];
  });
}

function notRunReason(status: string, decision: StepDecision | null): string {
  if (status === 'skipped') return `left out by ${decision?.by}: ${decision?.reason}`;
  return status === 'left out' ? 'the plan leaves it out under these parameters' : 'the run ended before it was due';
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1000;
}

/** Only said when it is so: at the end, and when no step was allowed to act outside. */
function isolation({ steps }: Plan, run: RunState): string | null {
  if (!run.begun.drill || run.endedAt === undefined) return null;
  const outside = steps.some(({ drill, id }) => drill && stepState(run, id).begunAt !== undefined);
  return outside ? null : 'a sandbox that was removed at the end';
}
