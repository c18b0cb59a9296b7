import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../base/errors.ts';
import { readJournal, type JournalContent } from './journal.ts';
import type { Plan } from './planDocument.ts';
import { readPlan } from './readPlan.ts';
import { advance, initialState, type RunState } from './runState.ts';
import type { StepKind } from './stepKind.ts';

/** Where everything of one run lies. */
export interface RunPlaces {
  readonly id: string;
  readonly directory: string;
  readonly journal: string;
  readonly decisions: string;
  readonly output: string;
  readonly evidence: string;
  readonly evidencePage: string;
}

/** A run as its journal tells it. */
export interface LoadedRun {
  readonly places: RunPlaces;
  readonly content: JournalContent;
  readonly state: RunState;
  /** The plan that is carried out: what it was when the run began, whatever its file says today. */
  readonly plan: Plan;
}

const journalName = 'journal.ndjson';

/** The places of the run with this id, below the directory of all runs. */
export function runPlaces(runs: string, id: string): RunPlaces {
  const directory = join(runs, id);
  return {
    id,
    directory,
    journal: join(directory, journalName),
    decisions: join(directory, 'decisions'),
    output: join(directory, 'output'),
    evidence: join(directory, 'evidence.json'),
    evidencePage: join(directory, 'evidence.html'),
  };
}

/** Makes the directory of a new run; its id begins with the time, so that ids sort by it. */
export function createRunDirectory(runs: string, name: string, now: Date): RunPlaces {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
  const places = runPlaces(runs, `${time}-${name}-${randomBytes(2).toString('hex')}`);
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  mkdirSync(places.directory, { mode: 0o700 });
  return places;
}

/** Ids of all runs, newest first. */
export function listRunIds(runs: string): string[] {
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((id) => existsSync(join(runs, id, journalName)))
    .toSorted()
    .toReversed();
}

/**
 * The one run whose id begins or ends with the text, or the newest for `latest`. Throws `not-found`, `ambiguous-id`.
 */
export function findRun(runs: string, text: string): RunPlaces {
  const ids = listRunIds(runs);
  const found = text === 'latest' ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(text) || id.endsWith(text));
  const [id] = found;
  if (id === undefined) {
    throw new OperationError('not-found', `there is no run ${text} in ${runs}`, {
      hint: '`understudy plan status` lists the runs; --runs names another directory',
    });
  }
  if (found.length > 1) {
    throw new OperationError('ambiguous-id', `${found.length} runs are called ${text}`, { hint: found.join(', ') });
  }
  return runPlaces(runs, id);
}

/** Reads a run's journal. Throws `not-found`, `file-io`, and `plan-invalid` when this version lacks a kind of step. */
export function loadRun(places: RunPlaces, kinds: readonly StepKind[]): LoadedRun {
  const content = readJournal(places.journal);
  const [first, ...rest] = content.entries;
  if (first?.type !== 'begun') {
    throw new OperationError('file-io', `run ${places.id} never began: its journal is empty`, {
      hint: `remove ${places.directory}`,
    });
  }
  const { plan, issues } = readPlan(first.plan, { kinds, values: new Map() });
  if (plan === undefined) {
    throw new OperationError('plan-invalid', `this version cannot read the plan of run ${places.id}`, {
      hint: 'take the version of understudy that began it',
      detail: { issues: issues.map(({ message }) => message) },
    });
  }
  const state = rest.reduce(advance, initialState(first));
  if (state.begun.run !== places.id) {
    throw new OperationError('file-io', `the journal in ${places.directory} is that of run ${state.begun.run}`, {
      hint: 'was the directory copied or renamed? remove the copy, or give it its name again',
    });
  }
  return { places, content, state, plan };
}
