import type { Context } from '../../base/context.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/errors.ts';
import { postDecision } from '../../recovery/decision.ts';
import type { RunListener } from '../../recovery/executePlan.ts';
import type { Plan } from '../../recovery/planDocument.ts';
import type { LoadedRun } from '../../recovery/runDirectory.ts';
import type { JournalEntry } from '../../recovery/runEvent.ts';
import type { Printer } from '../printer.ts';
import { askHere } from './askHere.ts';

export interface FollowOptions {
  readonly printer: Printer;
  readonly by: string;
  /** The run, whose plan has the chosen values in it. */
  readonly run: () => Pick<LoadedRun, 'places' | 'plan'>;
}

/** Tells what happens in a run; asks at the terminal where there is one and the run waits for a person. */
export function followRun(ctx: Context, options: FollowOptions): RunListener {
  const { printer } = options;
  const asks = !printer.json && process.stdin.isTTY;
  /** Questions that nobody has answered here or elsewhere. */
  const open = new Map<string, AbortController>();
  let turn = Promise.resolve();
  return (entry) => {
    const { places, plan } = options.run();
    printer.result('run_event', { run: places.id, ...entry }, () => eventText(entry, plan));
    if (!('step' in entry)) return;
    if (entry.type !== 'step-waits') return open.get(entry.step)?.abort();
    const question = questionOf(plan, entry.step);
    printer.remark(`  ${question}\n  Elsewhere: understudy plan approve ${places.id} ${entry.step}`);
    if (!asks) return;
    const answered = new AbortController();
    open.set(entry.step, answered);
    const signal = AbortSignal.any([ctx.signal, answered.signal]);
    // one after the other: two questions at once would both hear the same answer
    turn = turn.then(() => ask({ ...ctx, signal }, question, { ...options, step: entry.step }));
  };
}

function questionOf({ steps }: Plan, id: string): string {
  const prompt = steps.find((step) => step.id === id)?.options['prompt'];
  return typeof prompt === 'string' ? prompt : `Step ${id} was cut short. Shall it be done again?`;
}

async function ask(
  ctx: Context,
  question: string,
  { step, by, run, printer }: FollowOptions & { readonly step: string },
): Promise<void> {
  try {
    const action = await askHere(question, {
      input: process.stdin,
      output: process.stderr,
      signal: ctx.signal,
      onInterrupt: () => process.kill(process.pid, 'SIGINT'),
    });
    if (action === undefined) return;
    postDecision(run().places.decisions, ctx.clock.now(), { action, step, by, reason: 'answered at the terminal' });
  } catch (error) {
    printer.warn(`the answer could not be taken here: ${errorMessage(error)}`);
  }
}

function eventText(entry: JournalEntry, plan: Plan): string {
  const time = entry.at.slice(11, 19);
  if (!('step' in entry)) return `${time}  ${wholeRunText(entry)}`;
  const title = plan.steps.find(({ id }) => id === entry.step)?.title ?? '';
  const what = `${time}  ${entry.step}`;
  switch (entry.type) {
    case 'step-begun':
      return `${what}  begins: ${title}${entry.attempt > 1 ? ` (attempt ${entry.attempt})` : ''}`;
    case 'step-succeeded':
      return `${what}  done in ${formatDuration(entry.durationMs)}: ${entry.summary}`;
    case 'step-failed': {
      const next = entry.retryInMs === null ? '' : `; another attempt in ${formatDuration(entry.retryInMs)}`;
      return `${what}  failed after ${formatDuration(entry.durationMs)}: ${entry.error.message}${next}`;
    }
    case 'step-waits':
      return `${what}  waits for a person: ${title}`;
    case 'step-approved':
    case 'step-declined':
    case 'step-skipped':
      return `${what}  ${entry.type.slice('step-'.length)} by ${entry.by}${entry.reason === '' ? '' : `: ${entry.reason}`}`;
  }
}

function wholeRunText(entry: Exclude<JournalEntry, { readonly step: string }>): string {
  switch (entry.type) {
    case 'begun':
      return `run ${entry.run} begins`;
    case 'attached':
      return `the run is taken up again by ${entry.by}`;
    case 'paused':
    case 'continued':
      return `${entry.type} by ${entry.by}`;
    case 'decision-refused':
      return `a decision of ${entry.by} is refused: ${entry.reason}`;
    case 'ended':
      return `the run is over: ${entry.verdict}`;
  }
}
