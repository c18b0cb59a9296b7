import type { BackupEvidence, Deviation, Evidence } from '../evidenceSchema.ts';
import type { Plan } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';
import type { RunTiming } from '../timing.ts';
import { secondsBetween } from './moments.ts';
import { restoreKinds } from './steps.ts';

type Result = Evidence['result'];

/** What says that the machine or the way to the repository failed, and nothing of the backup. */
const testerCodes: readonly string[] = [
  'backend-unavailable',
  'backend-denied',
  'backend-full',
  'repository-locked',
  'lock-lost',
  'wrong-password',
  'config-missing',
  'config-invalid',
  'plan-invalid',
  'program-missing',
  'file-denied',
  'destination-full',
  'postgres-unsupported',
  'verification-inconclusive',
  'internal',
];

export interface ResultParts {
  readonly moments: Evidence['timeline']['moments'];
  readonly backups: readonly BackupEvidence[];
  readonly timing: RunTiming;
}

/** The verdict, and what was measured against the objectives. */
export function resultOf(plan: Plan, run: RunState, { moments, backups, timing }: ResultParts): Result {
  const judged = judge(plan, run);
  const recovered = ['passed', 'warned'].includes(judged.verdict) && timing.setBackMs === 0 && !isShortened(plan, run);
  const whole = secondsBetween(moments.declaredAt, run.endedAt ?? null);
  const recoverySeconds = recovered
    ? (secondsBetween(moments.declaredAt, moments.applicationHealthyAt) ?? whole)
    : null;
  const objectives = {
    rtoMet: judged.verdict === 'failed' ? rtoOf(plan, Infinity) : rtoOf(plan, recoverySeconds),
    ...recoveryPoint(plan, moments.declaredAt, backups),
  };
  return {
    ...judged,
    recoverySeconds,
    restoreSeconds: timing.setBackMs > 0 ? null : secondsBetween(moments.restoreStartedAt, moments.dataRestoredAt),
    ...objectives,
    restoredBytes: sum(backups.map(({ restoredBytes }) => restoredBytes)),
    restoredRows: sum(backups.map(({ restoredRows }) => restoredRows)),
    totalSeconds: timing.totalMs / 1000,
    machineSeconds: timing.machineMs / 1000,
    humanSeconds: timing.humanMs / 1000,
    interruptedSeconds: timing.interruptedMs / 1000,
  };
}

/** A rehearsal that only the tester's fault ended tells nothing about the backup. */
function judge(plan: Plan, run: RunState): Pick<Result, 'verdict' | 'reasonClass' | 'reason'> {
  const { verdict, begun } = run;
  if (verdict === undefined) return { verdict: 'not finished', reasonClass: null, reason: null };
  const failures = plan.steps.flatMap(({ id, title, critical }) => {
    const { status, error } = stepState(run, id);
    return status === 'failed' ? [{ title, critical, code: error?.code ?? '', message: error?.message ?? '' }] : [];
  });
  const counting = verdict === 'failed' ? failures.filter(({ critical }) => critical) : failures;
  const [first] = counting;
  if (verdict === 'passed') return { verdict, reasonClass: null, reason: null };
  if (first === undefined) {
    const reason = verdict === 'failed' ? 'the run was cut short' : 'a step was left out';
    return { verdict: outcome(verdict, begun.drill), reasonClass: verdict === 'failed' ? 'tester' : 'policy', reason };
  }
  const reason = `${first.title}: ${first.message}`;
  if (counting.every(({ code }) => testerCodes.includes(code))) {
    return { verdict: outcome(verdict, begun.drill), reasonClass: 'tester', reason };
  }
  return { verdict, reasonClass: first.code === 'step-declined' ? 'policy' : 'backup', reason };
}

function outcome(verdict: 'warned' | 'failed', drill: boolean): Result['verdict'] {
  return verdict === 'failed' && drill ? 'inconclusive' : verdict;
}

/** What has findings has not simply passed. */
export function judgedBy(result: Result, [first]: readonly Deviation[]): Result {
  if (result.verdict !== 'passed' || first === undefined) return result;
  const missed = result.rtoMet === false || result.rpoMet === false;
  return { ...result, verdict: 'warned', reasonClass: missed ? 'policy' : 'backup', reason: first.finding };
}

/** A rehearsal in which something was not restored was not as long as the real thing. */
function isShortened({ steps }: Plan, run: RunState): boolean {
  if (!run.begun.drill) return false;
  return steps.some(({ id, kind, when }) => {
    return when && restoreKinds.includes(kind) && stepState(run, id).status !== 'succeeded';
  });
}

function rtoOf({ objective: { rtoMs } }: Plan, seconds: number | null): boolean | null {
  return rtoMs === undefined || seconds === null ? null : seconds * 1000 <= rtoMs;
}

/** The oldest point that was reached counts: the system is as old as its oldest part, and that may be one not known. */
function recoveryPoint(
  { objective: { rpoMs } }: Plan,
  declaredAt: string,
  backups: readonly BackupEvidence[],
): Pick<Result, 'recoveredTo' | 'dataLossSeconds' | 'rpoMet'> {
  const points = backups.flatMap(({ consistentAt }) => {
    const ms = consistentAt === null ? Number.NaN : Date.parse(consistentAt);
    return Number.isNaN(ms) ? [] : [ms];
  });
  if (points.length === 0 || points.length < backups.length)
    return { recoveredTo: null, dataLossSeconds: null, rpoMet: null };
  const oldest = Math.min(...points);
  const lossMs = Math.max(0, Date.parse(declaredAt) - oldest);
  return {
    recoveredTo: new Date(oldest).toISOString(),
    dataLossSeconds: lossMs / 1000,
    rpoMet: rpoMs === undefined ? null : lossMs <= rpoMs,
  };
}

function sum(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((one) => one !== null);
  return known.length === 0 ? null : known.reduce((total, one) => total + one, 0);
}
