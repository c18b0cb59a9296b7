import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { missedMonths } from '../../recovery/drillMonths.ts';
import { loadEvidence, type StoredEvidence } from '../../recovery/evidenceStore.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Invocation } from '../command.ts';
import { openRepository } from '../openRepository.ts';

type Needed = Pick<Invocation, 'global' | 'loadConfig' | 'repositorySettings' | 'repositoryPassword' | 'printer'>;

/** Which evidence is meant; days as `2026-11-22`. */
export interface EvidenceSpan {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly plan: string | undefined;
}

/** The repository, and all evidence in it, oldest first; what cannot be read is told. */
export async function openEvidence(
  ctx: Context,
  invocation: Needed,
): Promise<{ readonly repository: Repository; readonly all: StoredEvidence[] }> {
  const repository = await openRepository(ctx, invocation);
  const warn = (object: string, reason: string): void => invocation.printer.warn(`${object}: ${reason}`);
  return { repository, all: await loadEvidence(ctx, repository, warn) };
}

/** The evidence of the run whose id begins or ends so, or the newest. Throws `not-found`, `ambiguous-id`. */
export function findEvidence(all: readonly StoredEvidence[], text: string): StoredEvidence {
  const idOf = ({ original }: StoredEvidence): string => original.report.id;
  const found =
    text === 'latest' ? all.slice(-1) : all.filter((one) => idOf(one).startsWith(text) || idOf(one).endsWith(text));
  const [only] = found;
  if (only === undefined) {
    throw new OperationError('not-found', `there is no evidence of a run ${text} in the repository`, {
      hint: '`understudy evidence list` lists it; `evidence store` stores what is on disk only',
    });
  }
  if (found.length === 1) return only;
  throw new OperationError('ambiguous-id', `${found.length} runs are called ${text}`, {
    hint: found.map(idOf).join(', '),
  });
}

export interface ChosenEvidence {
  readonly chosen: readonly StoredEvidence[];
  /** Months, `2026-11`, of the span in which no drill was held. */
  readonly missed: readonly string[];
}

/** The evidence of a span of time, and the months without a drill in it; without `from`, since the first one. */
export function chooseEvidence(
  all: readonly StoredEvidence[],
  { from, to, plan }: EvidenceSpan,
  now: Date,
): ChosenEvidence {
  const chosen = all.filter(({ evidence: { timeline, authority } }) => {
    const day = timeline.begunAt.slice(0, 10);
    const isWanted = plan === undefined || authority.plan.name === plan;
    return isWanted && (from === undefined || day >= from) && (to === undefined || day <= to);
  });
  // one before the first day of the span was held in that month all the same
  const drills = all.flatMap(({ evidence: { report, timeline, authority } }) =>
    report.type === 'drill' && (plan === undefined || authority.plan.name === plan) ? [timeline.begunAt] : [],
  );
  const today = now.toISOString();
  const begin = from ?? drills[0];
  // what has not come cannot have been missed, nor what is not over: the month of today is not
  const end = to === undefined || to > today ? today : to;
  return { chosen, missed: begin === undefined ? [] : missedMonths([...drills, today], { from: begin, to: end }) };
}
