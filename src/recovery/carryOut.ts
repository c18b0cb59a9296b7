import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../base/context.ts';
import { lockDirectory } from '../base/directoryLock.ts';
import { InvariantError, OperationError, assert, errorMessage } from '../base/errors.ts';
import { createScratchDirectory, removeOrphans } from '../postgres/scratchDirectory.ts';
import { checkDrill } from './checkDrill.ts';
import { directoryInbox } from './decision.ts';
import { executePlan, type RunListener } from './executePlan.ts';
import { FileJournal } from './journal.ts';
import { endLeftovers } from './leftovers.ts';
import { createMask } from './mask.ts';
import type { ChosenValues } from './parameterValues.ts';
import type { ParameterValue } from './parameters.ts';
import type { Plan } from './planDocument.ts';
import type { PlanProblem } from './planProblem.ts';
import { readPlan } from './readPlan.ts';
import { createRunDirectory, findRun, listRunIds, loadRun, runPlaces, type LoadedRun } from './runDirectory.ts';
import type { RunPlaces } from './runDirectory.ts';
import type { RunBegun } from './runEvent.ts';
import { stepKinds } from './stepKinds.ts';
import { outputDirectory } from './stepOutput.ts';
import type { StepServices } from './stepServices.ts';

/** What a run needs, whether it begins or goes on. */
export interface RunOptions {
  /** Directory of all runs. */
  readonly runs: string;
  readonly chosen: ChosenValues;
  readonly services: StepServices;
  readonly identity: Pick<RunBegun, 'by' | 'host' | 'programVersion' | 'circumstances'>;
  /** Told the places before the first step begins. */
  readonly onBegun?: (places: RunPlaces) => void;
  readonly listener?: RunListener;
  /** Given each drill that was killed and that this one has ended, before it begins itself. */
  readonly onAbandoned?: (run: LoadedRun) => Promise<void>;
  /** Told what is wrong beside the run, in a sentence. */
  readonly onWarning?: (message: string) => void;
}

export interface BeginOptions extends RunOptions {
  /** The parsed document of a plan that was checked. */
  readonly document: unknown;
  /** Directory in which a drill gets its sandbox; undefined: this is no drill. */
  readonly sandboxes?: string | undefined;
}

/**
 * Begins a run of a plan and carries it through. A drill's sandbox is removed at its end, with every process that the
 * steps left; after a crash of ours the next drill does so. Resolves with the run as it ended, whatever its verdict.
 */
export async function beginRun(ctx: Context, options: BeginOptions): Promise<LoadedRun> {
  const { sandboxes } = options;
  if (sandboxes === undefined) return begin(ctx, options, undefined);
  await clearAbandonedDrills(ctx, options, sandboxes);
  await using sandbox = await createScratchDirectory(sandboxes);
  return await begin(ctx, options, sandbox.path);
}

async function begin(ctx: Context, options: BeginOptions, sandbox: string | undefined): Promise<LoadedRun> {
  const { document, chosen, identity, runs } = options;
  const { name } = requirePlan(document, chosen, sandbox);
  const places = createRunDirectory(runs, name, ctx.clock.now());
  await using _ = await lockRun(places);
  const directory = workingDirectory(sandbox ?? places.directory);
  mkdirSync(directory, { mode: 0o711 });
  const values = new Map([...chosen.values, ['run.id', places.id], ...placeValues(directory, sandbox)] as const);
  const reading = readPlan(document, { kinds: stepKinds, values });
  assert(reading.plan !== undefined, 'a plan is checked before it runs');
  {
    using journal = FileJournal.create(places.journal);
    journal.append({
      type: 'begun',
      at: ctx.clock.now().toISOString(),
      format: 1,
      run: places.id,
      plan: reading.document,
      planDigest: createHash('sha256').update(JSON.stringify(document)).digest('hex'),
      drill: sandbox !== undefined,
      directory,
      ...identity,
    });
  }
  return await goOn(ctx, places, options); // under the lock
}

/**
 * The plan with the chosen values in it. Throws `plan-invalid` when one of them does not fit where it is used, and when
 * a drill would act outside of its sandbox.
 */
function requirePlan(document: unknown, { values }: ChosenValues, sandbox: string | undefined): Plan {
  const directory = sandbox === undefined ? undefined : workingDirectory(sandbox);
  const known = directory === undefined ? values : new Map([...values, ...placeValues(directory, sandbox)]);
  const { plan, issues, problems } = readPlan(document, { kinds: stepKinds, values: known });
  const outside = plan === undefined || directory === undefined ? [] : checkDrill(plan, directory);
  const wrong = [...problems, ...outside];
  if (plan !== undefined && wrong.length === 0) return plan;
  const [first] = [...issues.map(({ path, message }) => `${path.join('.')}: ${message}`), ...wrong.map(messageOf)];
  throw new OperationError('plan-invalid', `the plan cannot be carried out with these values: ${first}`, {
    hint: wrong[0]?.hint ?? 'see `understudy plan print` for what its parameters mean',
  });
}

/** Where relative paths of the steps start, below the run's own directory or a drill's sandbox. */
function workingDirectory(place: string): string {
  return join(place, 'work');
}

function placeValues(directory: string, sandbox: string | undefined): [string, ParameterValue][] {
  return [
    ['run.directory', directory],
    ['run.drill', sandbox !== undefined],
  ];
}

function messageOf({ message }: PlanProblem): string {
  return message;
}

/**
 * Takes a run up where its journal ends, after ending what its steps left running. Throws `not-found`, `run-busy` when
 * another process carries it out, `usage` for one that is over and for a drill, whose sandbox is gone.
 */
export async function resumeRun(ctx: Context, text: string, options: RunOptions): Promise<LoadedRun> {
  const places = findRun(options.runs, text);
  await using _ = await lockRun(places);
  const { state, content } = loadRun(places, stepKinds);
  if (state.verdict !== undefined) {
    throw new OperationError('usage', `run ${places.id} is over: ${state.verdict}`, { hint: 'begin a new one' });
  }
  if (state.begun.drill) {
    throw new OperationError('usage', `run ${places.id} is a drill, and its sandbox is gone`, {
      hint: 'begin a new one: understudy drill run',
    });
  }
  const underWay = [...state.steps].filter(([, { status }]) => status === 'running');
  endLeftovers(
    places.id,
    underWay.map(([id]) => id),
  );
  await removeOrphans(ctx, tmpdir());
  {
    using journal = FileJournal.reopen(places.journal, content);
    const { by, host } = options.identity;
    journal.append({ type: 'attached', at: ctx.clock.now().toISOString(), pid: process.pid, host, by });
  }
  return await goOn(ctx, places, options); // under the lock
}

async function goOn(ctx: Context, places: RunPlaces, options: RunOptions): Promise<LoadedRun> {
  const { plan, state, content } = loadRun(places, stepKinds);
  const { secrets } = options.chosen;
  const mask = createMask(secrets.values());
  options.onBegun?.(places);
  using journal = FileJournal.reopen(places.journal, content);
  try {
    await executePlan(ctx, {
      plan,
      state,
      journal,
      kinds: stepKinds,
      inbox: directoryInbox(places.decisions, options.onWarning),
      services: options.services,
      secrets,
      mask,
      output: outputDirectory(places.output, mask),
      ...(options.listener === undefined ? {} : { listener: options.listener }),
    });
  } finally {
    if (state.begun.drill) endLeftovers(places.id);
  }
  return loadRun(places, stepKinds);
}

/**
 * Removes what drills left whose process was killed, and notes in their journals that they are over. A run that cannot
 * be read keeps nobody from drilling.
 */
async function clearAbandonedDrills(ctx: Context, options: RunOptions, sandboxes: string): Promise<void> {
  const { runs, onWarning } = options;
  const over: RunPlaces[] = [];
  for (const id of listRunIds(runs)) {
    try {
      const places = runPlaces(runs, id);
      if (await endAbandoned(ctx, places, options)) over.push(places);
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      onWarning?.(`run ${id} is left as it is: ${errorMessage(error)}`);
    }
  }
  // a server of a step runs in the system's directory
  for (const directory of new Set([sandboxes, tmpdir()])) await removeOrphans(ctx, directory);
  for (const places of over.toReversed()) await options.onAbandoned?.(loadRun(places, stepKinds));
}

/** Whether it was an abandoned drill. */
async function endAbandoned(ctx: Context, places: RunPlaces, { identity }: RunOptions): Promise<boolean> {
  if (!isUnfinishedDrill(loadRun(places, stepKinds))) return false;
  await using lock = await lockDirectory(places.directory, 'run');
  if (lock === undefined) return false;
  const run = loadRun(places, stepKinds); // under the lock: until then another process may have written
  if (!isUnfinishedDrill(run)) return false;
  endLeftovers(places.id);
  using journal = FileJournal.reopen(places.journal, run.content);
  const at = ctx.clock.now().toISOString();
  const { by, host } = identity;
  // so that the time in which nobody was there is told as that
  journal.append({ type: 'attached', at, pid: process.pid, host, by });
  journal.append({ type: 'ended', at, verdict: 'failed' });
  return true;
}

function isUnfinishedDrill({ state }: LoadedRun): boolean {
  return state.begun.drill && state.verdict === undefined;
}

async function lockRun(places: RunPlaces): Promise<AsyncDisposable> {
  const lock = await lockDirectory(places.directory, 'run');
  if (lock !== undefined) return lock;
  throw new OperationError('run-busy', `another process carries out run ${places.id}`, {
    hint: '`understudy plan status` tells how far it is; `plan approve` and `plan skip` reach it from here',
  });
}
