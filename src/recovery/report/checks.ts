import type { Proof } from '../../verify/proof.ts';
import type { CheckEvidence } from '../evidenceSchema.ts';
import type { Plan, Step } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';
import type { Surroundings } from '../surroundings.ts';

const tiers: Readonly<Record<string, string>> = {
  'sql': 'read path',
  'http': 'application',
  'wait': 'service',
  'run': 'program',
  'test-cluster': 'application',
};
const programs: readonly string[] = ['run', 'test-cluster'];
const proofTiers: Readonly<Record<number, string>> = {
  1: 'structure',
  2: 'integrity',
  3: 'archive',
  4: 'restore',
  5: 'application',
};

/** What was expected and found: by steps that look, and by the newest proofs of each backup that was restored. */
export function checksOf(plan: Plan, run: RunState, { repository }: Surroundings): CheckEvidence[] {
  const steps = plan.steps.filter(({ kind, when, always }) => kind in tiers && when && !always);
  const proofs = 'notRead' in repository ? [] : newestOfEach(repository.proofs);
  return [...steps.map((step) => stepCheck(step, run)), ...proofs.flatMap(proofChecks)];
}

/** One that could not run counts as failed, not as left out; what somebody left out is told as that. */
function stepCheck({ id, kind, title, options }: Step, run: RunState): CheckEvidence {
  const { status, facts, error, machineMs, begunAt } = stepState(run, id);
  const found = status === 'succeeded' ? actualOf(kind, facts) : null;
  return {
    name: title,
    tier: tiers[kind] ?? kind,
    by: id,
    expected: expectedOf(kind, options),
    actual: found,
    status: status === 'succeeded' ? 'passed' : status === 'skipped' ? 'skipped' : 'failed',
    seconds: begunAt === undefined ? null : machineMs / 1000,
    error: status === 'succeeded' || status === 'skipped' ? null : (error?.message ?? 'the run ended before it'),
    role: null,
  };
}

function expectedOf(kind: string, options: Step['options']): string | null {
  if (programs.includes(kind)) return 'exit status 0';
  const expect: unknown = options['expect'];
  if (typeof expect !== 'object' || expect === null || Object.keys(expect).length === 0) return null;
  return JSON.stringify(expect);
}

/** Numbers only: texts of a database are no matter of evidence. */
function actualOf(kind: string, { value, rows }: Readonly<Record<string, unknown>>): string | null {
  if (programs.includes(kind)) return 'exit status 0';
  if (kind === 'http') return 'as expected';
  if (typeof value === 'number') return String(value);
  return typeof rows === 'number' ? `as expected; rows: ${rows}` : null;
}

/** Of each level: one that looked less deep, or at a part, takes nothing back of what another has found. */
function newestOfEach(proofs: readonly Proof[]): Proof[] {
  const seen = new Set<string>();
  return proofs.filter(({ snapshot, level, partial }) => {
    const which = `${snapshot?.id} ${level} ${partial}`;
    if (snapshot === null || seen.has(which)) return false;
    seen.add(which);
    return true;
  });
}

function proofChecks({ checks, snapshot, startedAt }: Proof): CheckEvidence[] {
  const by = `proof of ${snapshot?.id.slice(0, 8)}, ${startedAt.slice(0, 10)}`;
  return checks.map(({ name, level, status, expected, actual, durationMs, hint }) => ({
    name,
    tier: proofTiers[level] ?? `level ${level}`,
    by,
    expected,
    actual,
    status,
    seconds: durationMs / 1000,
    error: status === 'failed' || status === 'inconclusive' ? (hint ?? actual) : null,
    role: null,
  }));
}
