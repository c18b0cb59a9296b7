import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { nameHint } from '../../config/nearestName.ts';
import { postDecision, type Decision } from '../../recovery/decision.ts';
import { findRun, loadRun } from '../../recovery/runDirectory.ts';
import { stepState } from '../../recovery/runState.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';
import type { Printer } from '../printer.ts';
import { actor, runsDirectory } from './runPlaces.ts';

export interface DecidingInvocation {
  readonly arguments: readonly string[];
  readonly options: { readonly runs: string | undefined; readonly by: string | undefined };
  readonly printer: Printer;
}

/**
 * Leaves a decision for a run: whoever carries it out takes it in at once, or when it is taken up again. Throws
 * `not-found` for an unknown run or step, `usage` for a decision that the run does not wait for.
 */
export async function decide(
  ctx: Context,
  { arguments: [text, step], options, printer }: DecidingInvocation,
  { action, reason }: Pick<Decision, 'action' | 'reason'>,
): Promise<void> {
  const places = findRun(runsDirectory(options), text ?? '');
  const { plan, state } = loadRun(places, stepKinds);
  if (state.verdict !== undefined)
    throw usage(`run ${places.id} is over: ${state.verdict}`, 'nothing is left to decide');
  const ids = plan.steps.map(({ id }) => id);
  if (step !== undefined && !ids.includes(step)) {
    throw new OperationError('not-found', `${plan.name} has no step "${step}"`, { hint: nameHint(step, ids) });
  }
  const status = step === undefined ? undefined : stepState(state, step).status;
  if ((action === 'approve' || action === 'decline') && status !== 'waiting') {
    throw usage(`step ${step} waits for nobody: it is ${status}`, '`understudy plan status` tells which step does');
  }
  const by = actor(options);
  const decision = postDecision(places.decisions, ctx.clock.now(), {
    action,
    by,
    reason,
    ...(step === undefined ? {} : { step }),
  });
  printer.result('decision', { run: places.id, ...decision }, () => `${by}: ${action} ${step ?? places.id}`);
}

function usage(message: string, hint: string): OperationError {
  return new OperationError('usage', message, { hint });
}
