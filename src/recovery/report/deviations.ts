import { dueDate } from '../dueDate.ts';
import type { Deviation, Evidence } from '../evidenceSchema.ts';
import type { Plan, Step } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';

/** What somebody has to see to: failures, what was left out, backups that were not whole, missed objectives. */
export function deviationsOf(
  plan: Plan,
  run: RunState,
  { rtoMet, rpoMet }: Pick<Evidence['result'], 'rtoMet' | 'rpoMet'>,
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
