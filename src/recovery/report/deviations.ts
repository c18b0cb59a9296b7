import { formatDuration } from '../../base/duration.ts';
import { dueDate } from '../dueDate.ts';
import type { CheckEvidence, Deviation, Evidence } from '../evidenceSchema.ts';
import type { Plan, Step } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';
import type { RunTiming } from '../timing.ts';

export interface Findings extends Pick<Evidence['result'], 'rtoMet' | 'rpoMet'> {
  readonly checks: readonly CheckEvidence[];
  readonly controls: Evidence['controls'];
  readonly timing: RunTiming;
}

/**
 * What somebody has to see to: failures, what was left out, backups that were not whole or whose proof failed, missed
 * objectives, a clock that was set back.
 */
export function deviationsOf(
  plan: Plan,
  run: RunState,
  { rtoMet, rpoMet, checks, controls, timing: { setBackMs } }: Findings,
): Deviation[] {
  const found: Omit<Found, 'owner'>[] = plan.steps.flatMap((step) =>
    findingsOf(step, run).map((reason) => ({
      step: step.id,
      finding: `${step.title}: ${reason}`,
      severity: step.critical ? ('major' as const) : ('minor' as const),
    })),
  );
  for (const [met, finding] of [
    // a recovery that failed has a step that says so
    [run.verdict === 'failed' ? null : rtoMet, 'the recovery took longer than its objective allows'],
    [rpoMet, 'more was lost than its objective allows'],
  ] as const) {
    if (met === false) found.push({ step: null, finding, severity: 'major' });
  }
  for (const { by, name, status, error } of checks) {
    const ofStep = plan.steps.some(({ id }) => id === by);
    if (status !== 'failed' || ofStep) continue; // a step's failure is there already
    found.push({ step: null, finding: `${by}: ${name} failed: ${error ?? 'see the proof'}`, severity: 'major' });
  }
  if (controls.sandboxRemoved === false) {
    found.push({ step: null, finding: `what was restored is still in ${run.begun.directory}`, severity: 'major' });
  }
  if (setBackMs > 0) {
    const finding = `the clock was set back by ${formatDuration(setBackMs)} during the run: its times are not judged`;
    found.push({ step: null, finding, severity: 'minor' });
  }
  const endMs = Date.parse(run.endedAt ?? run.lastAt);
  return found.map(({ step, finding, severity }, index) => ({
    id: `D${index + 1}`,
    step,
    finding,
    severity,
    owner: plan.steps.find(({ id }) => id === step)?.owner ?? plan.owner ?? null,
    dueDate: dueDate(endMs, severity),
    ticket: null,
    status: 'open',
    note: null,
  }));
}

type Found = Pick<Deviation, 'step' | 'finding' | 'severity' | 'owner'>;

function findingsOf({ id }: Step, run: RunState): string[] {
  const { status, error, decision, facts } = stepState(run, id);
  if (status === 'failed') return [error?.message ?? 'failed'];
  if (status === 'skipped') return [`left out by ${decision?.by}: ${decision?.reason}`];
  const { flaw, notMade, lacking } = facts;
  return [
    ...(typeof flaw === 'string' ? [`what was restored is no whole backup: ${flaw}`] : []),
    ...(typeof notMade === 'string' ? [`the rows are there, but ${notMade} could not be made`] : []),
    ...(typeof lacking === 'number' && lacking > 0 ? [`the dump lacks ${lacking} parts of the database`] : []),
  ];
}
