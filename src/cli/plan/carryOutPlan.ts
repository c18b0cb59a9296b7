import { hostname, tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, assert } from '../../base/errors.ts';
import { programVersion } from '../../base/version.ts';
import { beginRun, resumeRun, type RunOptions } from '../../recovery/carryOut.ts';
import type { Evidence } from '../../recovery/evidenceSchema.ts';
import { chooseValues } from '../../recovery/parameterValues.ts';
import type { Plan } from '../../recovery/planDocument.ts';
import { findRun, loadRun, type LoadedRun } from '../../recovery/runDirectory.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';
import type { Invocation } from '../command.ts';
import { keepEvidence } from '../evidence/keepEvidence.ts';
import { plural } from '../format.ts';
import type { planRunSpec } from '../specs/plan.ts';
import { requirePlan } from './checkedPlan.ts';
import { evidenceText } from './describeRun.ts';
import { followRun } from './followRun.ts';
import { findPlan } from './planFile.ts';
import { actor, circumstances, runsDirectory } from './runPlaces.ts';
import { stepServices } from './stepServices.ts';

/** What real runs and drills have in common. */
export type RunInvocation = Omit<Invocation<typeof planRunSpec>, 'options'> & {
  readonly options: Omit<Invocation<typeof planRunSpec>['options'], 'resume'>;
};

/**
 * Begins a run; a drill when it is told where sandboxes go. Throws `plan-failed` when its verdict is that, and
 * `plan-deviations` when something else is to be seen to.
 */
export async function beginPlan(
  ctx: Context,
  invocation: RunInvocation,
  { name, sandboxes }: { readonly name: string; readonly sandboxes?: string | undefined },
): Promise<void> {
  const { plan, document } = requirePlan(await findPlan(invocation, name));
  const options = runOptions(ctx, invocation, plan);
  await conclude(ctx, invocation, await beginRun(ctx, { ...options, document, sandboxes }));
}

/** Goes on with a run. Throws as `beginPlan` and `resumeRun` do. */
export async function resumePlan(ctx: Context, invocation: RunInvocation, run: string): Promise<void> {
  const runs = runsDirectory(invocation.options);
  const { plan, places } = loadRun(findRun(runs, run), stepKinds);
  await conclude(ctx, invocation, await resumeRun(ctx, places.id, runOptions(ctx, invocation, plan, true)));
}

/** Directory for sandboxes: the flag, the configuration's for proofs, else the system's for temporary files. */
export async function sandboxesDirectory(
  { loadConfig }: Pick<Invocation, 'loadConfig'>,
  flag: string | undefined,
): Promise<string> {
  return resolve(flag ?? (await loadConfig()).config.verify.directory ?? tmpdir());
}

function runOptions(ctx: Context, invocation: RunInvocation, plan: Plan, resumed = false): RunOptions {
  const { options, printer } = invocation;
  const by = actor(options);
  let begun: LoadedRun | undefined;
  const run = (): LoadedRun => {
    assert(begun !== undefined, 'the places of a run are told before anything happens');
    return begun;
  };
  return {
    runs: runsDirectory(options),
    // what a run began with is in its journal: only secrets are asked for again
    chosen: chooseValues(resumed ? secretsOf(plan) : plan.parameters, {
      given: givenValues(options.set),
      environment: process.env,
    }),
    services: stepServices(invocation),
    identity: { by, host: hostname(), programVersion: programVersion(), circumstances: circumstances(options) },
    onBegun: (told) => {
      begun = loadRun(told, stepKinds);
      printer.remark(`run ${told.id} in ${told.directory}`);
    },
    listener: followRun(ctx, { printer, by, run }),
    onAbandoned: async (abandoned) => {
      printer.warn(`drill ${abandoned.places.id} was cut short: its evidence says so`);
      await keepEvidence(ctx, invocation, abandoned);
    },
    onWarning: (message) => printer.warn(message),
  };
}

function secretsOf({ parameters }: Plan): Plan['parameters'] {
  return Object.fromEntries(Object.entries(parameters).filter(([, { secret }]) => secret));
}

function givenValues(words: readonly string[]): Map<string, string> {
  return new Map(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)] as const;
      throw new OperationError('usage', `--set: expected name=value, found "${word}"`, {
        hint: '`understudy plan print` lists the parameters of a plan',
      });
    }),
  );
}

async function conclude(ctx: Context, invocation: RunInvocation, run: LoadedRun): Promise<void> {
  const { printer } = invocation;
  const { evidence, kept } = await keepEvidence(ctx, invocation, run);
  printer.result('run_ended', { evidence, kept }, () => evidenceText(evidence, kept === 'failed'));
  printer.remark(`Evidence: ${run.places.evidencePage}${kept === 'stored' ? ', and in the repository' : ''}`);
  ctx.log.info({ run: run.places.id, ...evidence.result }, 'the run is over');
  requireGood(run, evidence);
  if (kept !== 'failed') return;
  throw new OperationError('evidence-not-stored', `${run.plan.name} reached its goal, but nothing proves it yet`, {
    hint: `when the repository can be written to again: understudy evidence store ${run.places.id}`,
    detail: { run: run.places.id },
  });
}

/** Throws `plan-failed` and `plan-deviations`. */
function requireGood({ plan, places }: LoadedRun, { result, timeline, deviations }: Evidence): void {
  const detail = { run: places.id };
  if (result.verdict === 'failed' || result.verdict === 'inconclusive') {
    const failed = timeline.steps.find(({ status, critical }) => status === 'failed' && critical);
    const how = result.verdict === 'failed' ? 'failed' : 'is inconclusive';
    throw new OperationError('plan-failed', `${plan.name} ${how}: ${result.reason}`, {
      hint: failed?.error?.hint ?? `what the steps printed is in ${places.output}`,
      detail,
    });
  }
  if (deviations.length === 0) return;
  const count = plural(deviations.length, 'deviation');
  throw new OperationError('plan-deviations', `${plan.name} was carried through, with ${count}`, {
    hint: `${deviations[0]?.finding}; the evidence tells who sees to each, and by when`,
    detail,
  });
}
