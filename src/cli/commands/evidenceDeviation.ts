import { OperationError } from '../../base/errors.ts';
import { nameHint } from '../../config/nearestName.ts';
import { dueDate } from '../../recovery/dueDate.ts';
import type { Deviation, Evidence } from '../../recovery/evidenceSchema.ts';
import { amendEvidence } from '../../recovery/evidenceStore.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { findEvidence, openEvidence } from '../evidence/chooseEvidence.ts';
import { actor } from '../plan/runPlaces.ts';
import type { evidenceDeviationSpec } from '../specs/evidence.ts';

type Options = Invocation<typeof evidenceDeviationSpec>['options'];

export const run: CommandRun<typeof evidenceDeviationSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: names } = invocation;
  const { repository, all } = await openEvidence(ctx, invocation);
  const found = findEvidence(all, names[0] ?? '');
  const [, id] = names;
  const { evidence } = found;
  const before = id === undefined ? newDeviation(evidence, options, ctx.clock.now()) : known(evidence, id);
  const deviation = changed(before, options);
  await amendEvidence(ctx, repository, { to: found, kind: 'deviation', by: actor(options), deviation });
  const { id: of } = evidence.report;
  printer.result('evidence_deviation', { run: of, ...deviation }, () => {
    return `${of} ${deviation.id}: ${deviation.finding} (${deviation.status}, by ${deviation.dueDate})`;
  });
};

function known({ deviations, report }: Evidence, id: string): Deviation {
  const found = deviations.find((one) => one.id === id);
  if (found !== undefined) return found;
  const ids = deviations.map((one) => one.id);
  throw new OperationError('not-found', `${report.id} has no deviation ${id}`, { hint: nameHint(id, ids) });
}

function newDeviation({ deviations }: Evidence, { finding, severity = 'minor' }: Options, now: Date): Deviation {
  if (finding === undefined) {
    throw new OperationError('usage', 'a new deviation needs --finding', {
      hint: 'or name the one to change or close: `understudy evidence show` lists them',
    });
  }
  const last = Math.max(0, ...deviations.map(({ id }) => Number(id.slice(1))));
  const nobody = { step: null, owner: null, ticket: null, note: null };
  const due = dueDate(now.getTime(), severity);
  return { ...nobody, id: `D${last + 1}`, finding, severity, dueDate: due, status: 'open' };
}

function changed(before: Deviation, { finding, severity, owner, due, ticket, close }: Options): Deviation {
  return {
    ...before,
    finding: finding ?? before.finding,
    severity: severity ?? before.severity,
    owner: owner ?? before.owner,
    dueDate: due ?? before.dueDate,
    ticket: ticket ?? before.ticket,
    ...(close === undefined ? {} : { status: 'closed', note: close }),
  };
}
